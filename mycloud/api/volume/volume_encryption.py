"""How a volume is encrypted; the key itself is nowhere in the API."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.common import exceptions
from mycloud.db import engine, volume_types
from mycloud.volume.requests import volumes

_OF_THE_TYPE = ("provider", "control_location", "cipher", "key_size")


def _load(request: wsgi.Request) -> dict[str, Any]:
    volume = volumes.get(request.context, request.args["volume_id"])
    shown = {"encryption_key_id": volume["encryption_key_id"]}
    if not volume["encrypted"] or volume["volume_type_id"] is None:
        return shown
    with engine.reader() as conn:
        volume_type = volume_types.by_id(conn, volume["volume_type_id"])
    encryption = (volume_type or {}).get("encryption") or {}
    return {**shown, **{name: encryption[name] for name in _OF_THE_TYPE if name in encryption}}


def index(request: wsgi.Request) -> dict[str, Any]:
    return _load(request)


def show(request: wsgi.Request) -> dict[str, Any]:
    found, key = _load(request), request.args["key"]
    if key not in found:
        raise exceptions.NotFound(f"The encryption of the volume has no {key}.")
    return {key: found[key]}


_LIST = "/volumes/{volume_id}/encryption"

ROWS = [
    Route("GET", _LIST, index, "volume:volume_encryption:show", query=NO_QUERY),
    Route("GET", f"{_LIST}/{{key}}", show, "volume:volume_encryption:show", query=NO_QUERY),
]
