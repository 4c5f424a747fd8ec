"""Host aggregates: named groups of hosts, with metadata and maybe an availability zone."""

import datetime
from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.schema import INT32_MAX
from mycloud.api.versions import Version
from mycloud.common import exceptions
from mycloud.compute.requests import aggregates
from mycloud.db import aggregates as db_aggregates
from mycloud.db import engine
from mycloud.db.aggregates import Aggregate

_UUIDS = Version(2, 41)

_NAME = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
_ZONE = {
    "type": ["string", "null"], "minLength": 1, "maxLength": 255, "format": "name",
    "pattern": "^[^:]*$",
}  # fmt: skip
_HOST = {"type": "string", "minLength": 1, "maxLength": 255, "format": "printable"}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


_FIELDS = {"name": _NAME, "availability_zone": _ZONE}
_CREATE_BODY = _object(["aggregate"], aggregate=_object(["name"], **_FIELDS))
_UPDATE_BODY = _object(
    ["aggregate"], aggregate={**_object([], **_FIELDS), "minProperties": 1}
)
_ADD_BODY = _object(["add_host"], add_host=_object(["host"], host=_HOST))
_REMOVE_BODY = _object(["remove_host"], remove_host=_object(["host"], host=_HOST))
_ITEMS = {
    "type": "object",
    "properties": {aggregates.ZONE: _ZONE},
    "patternProperties": {
        r"^[a-zA-Z0-9_:. -]{1,255}\Z": {"type": ["string", "null"], "maxLength": 255},
    },
    "additionalProperties": False,
    "maxProperties": 255,
}
_METADATA_BODY = _object(["set_metadata"], set_metadata=_object(["metadata"], metadata=_ITEMS))


def _brief(request: wsgi.Request, aggregate: Aggregate) -> dict[str, Any]:
    shown = {
        "id": aggregate["id"],
        "name": aggregate["name"],
        "availability_zone": aggregate["availability_zone"],
        "created_at": _time(aggregate["created_at"]),
        "updated_at": _time(aggregate["updated_at"]),
        "deleted": False,
        "deleted_at": None,
    }
    if request.version >= _UUIDS:
        shown["uuid"] = aggregate["uuid"]
    return shown


def view(request: wsgi.Request, aggregate: Aggregate) -> dict[str, Any]:
    metadata = dict(aggregate["metadata"])
    if aggregate["availability_zone"] is not None:
        metadata[aggregates.ZONE] = aggregate["availability_zone"]
    return {**_brief(request, aggregate), "hosts": aggregate["hosts"], "metadata": metadata}


def _time(value: datetime.datetime | None) -> str | None:
    return None if value is None else value.isoformat(timespec="microseconds")


def _id(request: wsgi.Request) -> int:
    """:raises AggregateNotFound: for what is no id at all"""
    text = request.args["aggregate_id"]
    if not (text.isascii() and text.isdigit()) or int(text) > INT32_MAX:
        raise exceptions.AggregateNotFound(aggregate_id=text)
    return int(text)


def index(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        found = db_aggregates.every(conn)
    return {"aggregates": [view(request, aggregate) for aggregate in found]}


def show(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        aggregate = db_aggregates.get(conn, _id(request))
    return {"aggregate": view(request, aggregate)}


def create(request: wsgi.Request) -> dict[str, Any]:
    wanted = request.json_body["aggregate"]
    aggregate = aggregates.create(wanted["name"], wanted.get("availability_zone"))
    return {"aggregate": _brief(request, aggregate)}


def update(request: wsgi.Request) -> dict[str, Any]:
    aggregate = aggregates.update(_id(request), request.json_body["aggregate"])
    return {"aggregate": view(request, aggregate)}


def delete(request: wsgi.Request) -> None:
    aggregates.delete(_id(request))


def add_host(request: wsgi.Request) -> dict[str, Any]:
    host = request.json_body["add_host"]["host"]
    return {"aggregate": view(request, aggregates.add_host(_id(request), host))}


def remove_host(request: wsgi.Request) -> dict[str, Any]:
    host = request.json_body["remove_host"]["host"]
    return {"aggregate": view(request, aggregates.remove_host(_id(request), host))}


def set_metadata(request: wsgi.Request) -> dict[str, Any]:
    items = request.json_body["set_metadata"]["metadata"]
    return {"aggregate": view(request, aggregates.set_metadata(_id(request), items))}


_LIST = "/os-aggregates"
_ONE = "/os-aggregates/{aggregate_id}"


def _row(verb: str, path: str, handler: Any, rule: str, **more: Any) -> Route:
    return Route(verb, path, handler, f"compute:aggregates:{rule}", query=NO_QUERY, **more)


def _action(name: str, handler: Any, body: dict[str, Any]) -> Route:
    return _row("POST", f"{_ONE}/action", handler, name, body=body, action=name)


ROWS = [
    _row("GET", _LIST, index, "list"),
    _row("POST", _LIST, create, "create", body=_CREATE_BODY),
    _row("GET", _ONE, show, "show"),
    _row("PUT", _ONE, update, "update", body=_UPDATE_BODY),
    _row("DELETE", _ONE, delete, "delete"),
    _action("add_host", add_host, _ADD_BODY),
    _action("remove_host", remove_host, _REMOVE_BODY),
    _action("set_metadata", set_metadata, _METADATA_BODY),
]
