"""A server's metadata."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.compute.servers import schemas
from mycloud.api.routing import ANY_QUERY, Handler, Route
from mycloud.common import exceptions
from mycloud.compute.requests import listing, metadata

_ALL: dict[str, Any] = {
    "type": "object",
    "properties": {"metadata": schemas.METADATA},
    "required": ["metadata"],
    "additionalProperties": False,
}
_ONE: dict[str, Any] = {
    "type": "object",
    "properties": {"meta": {**schemas.METADATA, "minProperties": 1, "maxProperties": 1}},
    "required": ["meta"],
    "additionalProperties": False,
}


def list_items(request: wsgi.Request) -> Any:
    server = listing.get(request.context, request.args["server_id"])
    return {"metadata": server["metadata"]}


def show(request: wsgi.Request) -> Any:
    key = request.args["key"]
    server = listing.get(request.context, request.args["server_id"])
    if key not in server["metadata"]:
        raise exceptions.ServerMetadataNotFound(key=key, server_id=server["id"])
    return {"meta": {key: server["metadata"][key]}}


def create(request: wsgi.Request) -> Any:
    items = request.json_body["metadata"]
    return {"metadata": metadata.merge(request.context, request.args["server_id"], items)}


def replace(request: wsgi.Request) -> Any:
    items = request.json_body["metadata"]
    return {"metadata": metadata.replace(request.context, request.args["server_id"], items)}


def update(request: wsgi.Request) -> Any:
    items = request.json_body["meta"]
    if request.args["key"] not in items:
        raise exceptions.BadField(
            field="meta", reason="its key must be the one in the URL of the request"
        )
    metadata.merge(request.context, request.args["server_id"], items)
    return {"meta": items}


def delete(request: wsgi.Request) -> None:
    metadata.remove(request.context, request.args["server_id"], request.args["key"])


def _row(verb: str, tail: str, handler: Handler, rule: str, **more: Any) -> Route:
    return Route(
        verb,
        f"/servers/{{server_id}}/metadata{tail}",
        handler,
        f"compute:server_metadata:{rule}",
        query=ANY_QUERY,
        **more,
    )


ROWS = [
    _row("GET", "", list_items, "list"),
    _row("POST", "", create, "create", body=_ALL),
    _row("PUT", "", replace, "replace", body=_ALL),
    _row("GET", "/{key}", show, "show"),
    _row("PUT", "/{key}", update, "update", body=_ONE),
    _row("DELETE", "/{key}", delete, "delete", status=204),
]
