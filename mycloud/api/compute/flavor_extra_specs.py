"""What a flavor asks of a host beyond its sizes."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.common import exceptions
from mycloud.compute.requests import flavors
from mycloud.db import engine
from mycloud.db import flavors as db_flavors

_ITEMS = {
    "type": "object",
    "patternProperties": {
        r"^[a-zA-Z0-9_:. -]{1,255}\Z": {
            "type": ["string", "integer", "boolean"],
            "maxLength": 255,
            "minimum": -(2**63),
            "maximum": 2**63 - 1,
        }
    },
    "additionalProperties": False,
    "maxProperties": 255,
}
_CREATE_BODY = {
    "type": "object",
    "properties": {"extra_specs": _ITEMS},
    "required": ["extra_specs"],
    "additionalProperties": False,
}
_UPDATE_BODY = {**_ITEMS, "minProperties": 1, "maxProperties": 1}


def _load(request: wsgi.Request) -> dict[str, str]:
    with engine.reader() as conn:
        flavor = db_flavors.get(conn, request.context, request.args["flavor_id"])
    found: dict[str, str] = flavor["extra_specs"]
    return found


def _texts(items: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in items.items()}


def index(request: wsgi.Request) -> dict[str, Any]:
    return {"extra_specs": _load(request)}


def show(request: wsgi.Request) -> dict[str, str]:
    flavor_id, key = request.args["flavor_id"], request.args["key"]
    specs = _load(request)
    if key not in specs:
        raise exceptions.FlavorExtraSpecNotFound(flavor_id=flavor_id, key=key)
    return {key: specs[key]}


def create(request: wsgi.Request) -> dict[str, Any]:
    items = _texts(request.json_body["extra_specs"])
    flavors.set_extra_specs(request.context, request.args["flavor_id"], items)
    return {"extra_specs": items}


def update(request: wsgi.Request) -> dict[str, str]:
    items = _texts(request.json_body)
    if request.args["key"] not in items:
        raise exceptions.Invalid("Request body and URI mismatch: name the same extra spec.")
    flavors.set_extra_specs(request.context, request.args["flavor_id"], items)
    return items


def delete(request: wsgi.Request) -> None:
    flavors.unset_extra_spec(request.context, request.args["flavor_id"], request.args["key"])


_LIST = "/flavors/{flavor_id}/os-extra_specs"
_ONE = "/flavors/{flavor_id}/os-extra_specs/{key}"

ROWS = [
    Route("GET", _LIST, index, "compute:flavor_extra_specs:list", query=NO_QUERY),
    Route(
        "POST",
        _LIST,
        create,
        "compute:flavor_extra_specs:create",
        body=_CREATE_BODY,
        query=NO_QUERY,
    ),
    Route("GET", _ONE, show, "compute:flavor_extra_specs:show", query=NO_QUERY),
    Route(
        "PUT",
        _ONE,
        update,
        "compute:flavor_extra_specs:update",
        body=_UPDATE_BODY,
        query=NO_QUERY,
    ),
    Route("DELETE", _ONE, delete, "compute:flavor_extra_specs:delete", query=NO_QUERY),
]
