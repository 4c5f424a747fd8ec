"""How volumes of a type are encrypted."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.schema import INT32_MAX
from mycloud.api.volume import fields
from mycloud.common import exceptions
from mycloud.db import engine
from mycloud.db import volume_types as db_types
from mycloud.db.volume_types import Row
from mycloud.volume.requests import types

_PROPERTIES = {
    "provider": fields.NAME,
    "control_location": {"enum": ["front-end", "back-end"]},
    "cipher": {"type": ["string", "null"], "maxLength": 255, "format": "printable"},
    # bits
    "key_size": {
        "type": ["integer", "string", "null"], "format": "int32", "pattern": r"^[0-9]+\Z",
        "minimum": 0, "maximum": INT32_MAX,
    },
}  # fmt: skip
_CREATE_BODY = fields.body("encryption", _PROPERTIES, "provider", "control_location")
_UPDATE_BODY = fields.body("encryption", _PROPERTIES)
_SHOWN = ("provider", "control_location", "cipher", "key_size")


def _view(row: Row) -> dict[str, Any]:
    encryption = row["encryption"]
    if not encryption:
        return {}
    return {
        "volume_type_id": row["id"],
        "encryption_id": encryption["encryption_id"],
        **{name: encryption[name] for name in _SHOWN},
        "created_at": encryption["created_at"],
        "updated_at": encryption["updated_at"],
        "deleted": False,
        "deleted_at": None,
    }


def _load(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        return _view(db_types.get(conn, request.context, request.args["type_id"]))


def _wanted(request: wsgi.Request) -> dict[str, Any]:
    wanted = dict(request.json_body["encryption"])
    if wanted.get("key_size") is not None:
        wanted["key_size"] = int(wanted["key_size"])
    return wanted


def index(request: wsgi.Request) -> dict[str, Any]:
    return _load(request)


def show(request: wsgi.Request) -> dict[str, Any]:
    encryption, key = _load(request), request.args["key"]
    if key not in encryption:
        raise exceptions.VolumeTypeEncryptionNotFound(
            type_id=request.args["type_id"], key=key
        )
    return {key: encryption[key]}


def create(request: wsgi.Request) -> dict[str, Any]:
    row = types.set_encryption(
        request.context, request.args["type_id"], _wanted(request), new=True
    )
    shown = _view(row)
    names = ("volume_type_id", "encryption_id", *_SHOWN)
    return {"encryption": {name: shown[name] for name in names}}


def update(request: wsgi.Request) -> dict[str, Any]:
    wanted = _wanted(request)
    # the path's last part is an id or a word, as clients please: a type has one encryption
    types.set_encryption(request.context, request.args["type_id"], wanted, new=False)
    return {"encryption": wanted}


def delete(request: wsgi.Request) -> None:
    types.unset_encryption(request.context, request.args["type_id"])


_LIST = "/types/{type_id}/encryption"
_ONE = "/types/{type_id}/encryption/{key}"

ROWS = [
    Route("GET", _LIST, index, "volume:type_encryption:show", query=NO_QUERY),
    Route(
        "POST",
        _LIST,
        create,
        "volume:type_encryption:create",
        body=_CREATE_BODY,
        query=NO_QUERY,
    ),
    Route("GET", _ONE, show, "volume:type_encryption:show", query=NO_QUERY),
    Route(
        "PUT", _ONE, update, "volume:type_encryption:update", body=_UPDATE_BODY, query=NO_QUERY
    ),
    Route("DELETE", _ONE, delete, "volume:type_encryption:delete", query=NO_QUERY, status=202),
]
