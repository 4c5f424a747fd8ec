"""A server's tags, from 2.26 on."""

from typing import Any
from urllib.parse import quote

import webob

from mycloud.api import schema, wsgi
from mycloud.api.compute.servers import schemas
from mycloud.api.routing import ANY_QUERY, NO_BODY, Handler, Route
from mycloud.common import exceptions
from mycloud.compute.requests import listing, tags

_ALL: dict[str, Any] = {
    "type": "object",
    "properties": {"tags": schemas.TAGS},
    "required": ["tags"],
    "additionalProperties": False,
}


def list_tags(request: wsgi.Request) -> Any:
    server = listing.get(request.context, request.args["server_id"])
    return {"tags": tags.unpacked(server["tags"])}


def show(request: wsgi.Request) -> None:
    server = listing.get(request.context, request.args["server_id"])
    if request.args["tag"] not in tags.unpacked(server["tags"]):
        raise exceptions.ServerTagNotFound(tag=request.args["tag"], server_id=server["id"])


def add(request: wsgi.Request) -> webob.Response:
    server_id, tag = request.args["server_id"], request.args["tag"]
    schema.check(tag, schemas.TAG, where="tag")
    if not tags.add(request.context, server_id, tag):
        return wsgi.empty_response(204)
    request.out_headers["Location"] = (
        f"{request.service_url}/servers/{server_id}/tags/{quote(tag)}"
    )
    return wsgi.empty_response(201)


def replace(request: wsgi.Request) -> Any:
    wanted = request.json_body["tags"]
    return {"tags": tags.replace(request.context, request.args["server_id"], wanted)}


def delete(request: wsgi.Request) -> None:
    tags.remove(request.context, request.args["server_id"], request.args["tag"])


def delete_all(request: wsgi.Request) -> None:
    tags.replace(request.context, request.args["server_id"], [])


def _row(verb: str, tail: str, handler: Handler, rule: str, **more: Any) -> Route:
    return Route(
        verb,
        f"/servers/{{server_id}}/tags{tail}",
        handler,
        f"compute:server_tags:{rule}",
        query=ANY_QUERY,
        versions=("2.26", ""),
        **more,
    )


ROWS = [
    _row("GET", "", list_tags, "list"),
    _row("PUT", "", replace, "replace", body=_ALL),
    _row("DELETE", "", delete_all, "delete_all", status=204),
    _row("GET", "/{tag}", show, "show", status=204),
    _row("PUT", "/{tag}", add, "add", body=NO_BODY),
    _row("DELETE", "/{tag}", delete, "delete", status=204),
]
