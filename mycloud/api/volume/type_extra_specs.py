"""What a volume type asks of a backend."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.volume import fields
from mycloud.api.volume.types import visible_specs
from mycloud.common import exceptions
from mycloud.db import engine
from mycloud.db import volume_types as db_types
from mycloud.volume.requests import types

_CREATE_BODY = fields.wrapped("extra_specs", fields.SPECS)
_UPDATE_BODY = {**fields.SPECS, "minProperties": 1, "maxProperties": 1}


def _load(request: wsgi.Request) -> dict[str, str]:
    with engine.reader() as conn:
        row = db_types.get(conn, request.context, request.args["type_id"])
    return visible_specs(request, row["extra_specs"])


def index(request: wsgi.Request) -> dict[str, Any]:
    return {"extra_specs": _load(request)}


def show(request: wsgi.Request) -> dict[str, str]:
    specs, key = _load(request), request.args["key"]
    if key not in specs:
        raise exceptions.VolumeTypeExtraSpecNotFound(type_id=request.args["type_id"], key=key)
    return {key: specs[key]}


def create(request: wsgi.Request) -> dict[str, Any]:
    items = request.json_body["extra_specs"]
    types.set_extra_specs(request.context, request.args["type_id"], items)
    return {"extra_specs": items}


def update(request: wsgi.Request) -> dict[str, str]:
    items: dict[str, str] = request.json_body
    if request.args["key"] not in items:
        raise exceptions.Invalid("Request body and URI mismatch: name the same extra spec.")
    types.set_extra_specs(request.context, request.args["type_id"], items)
    return items


def delete(request: wsgi.Request) -> None:
    types.unset_extra_spec(request.context, request.args["type_id"], request.args["key"])


_LIST = "/types/{type_id}/extra_specs"
_ONE = "/types/{type_id}/extra_specs/{key}"

ROWS = [
    Route("GET", _LIST, index, "volume:type_extra_specs:list", query=NO_QUERY),
    Route(
        "POST",
        _LIST,
        create,
        "volume:type_extra_specs:create",
        body=_CREATE_BODY,
        query=NO_QUERY,
    ),
    Route("GET", _ONE, show, "volume:type_extra_specs:show", query=NO_QUERY),
    Route(
        "PUT", _ONE, update, "volume:type_extra_specs:update", body=_UPDATE_BODY, query=NO_QUERY
    ),
    Route(
        "DELETE", _ONE, delete, "volume:type_extra_specs:delete", query=NO_QUERY, status=202
    ),
]
