"""The metadata of images as the compute API knows it, up to 2.38: their properties."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.compute import images
from mycloud.api.routing import NO_QUERY, Route
from mycloud.common import exceptions
from mycloud.compute.requests import image_metadata
from mycloud.db import engine
from mycloud.image import access

_ITEMS = {
    "type": "object",
    "patternProperties": {
        r"^[a-zA-Z0-9_:. -]{1,255}\Z": {"type": "string", "maxLength": 255},
    },
    "additionalProperties": False,
    "maxProperties": 1000,
}


def _body(key: str, items: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {key: items},
        "required": [key],
        "additionalProperties": False,
    }


_ALL_BODY = _body("metadata", _ITEMS)
_ONE_BODY = _body("meta", {**_ITEMS, "minProperties": 1, "maxProperties": 1})


def _load(request: wsgi.Request) -> dict[str, str]:
    with engine.reader() as conn:
        image = access.load(conn, request.context, request.args["image_id"])
    return images.metadata_of(image)


def index(request: wsgi.Request) -> dict[str, Any]:
    return {"metadata": _load(request)}


def show(request: wsgi.Request) -> dict[str, Any]:
    key = request.args["key"]
    found = _load(request)
    if key not in found:
        raise exceptions.NotFound("Metadata item was not found")
    return {"meta": {key: found[key]}}


def create(request: wsgi.Request) -> dict[str, Any]:
    image = image_metadata.add(
        request.context, request.args["image_id"], request.json_body["metadata"]
    )
    return {"metadata": images.metadata_of(image)}


def replace(request: wsgi.Request) -> dict[str, Any]:
    image = image_metadata.replace(
        request.context, request.args["image_id"], request.json_body["metadata"]
    )
    return {"metadata": images.metadata_of(image)}


def update(request: wsgi.Request) -> dict[str, Any]:
    items = request.json_body["meta"]
    if request.args["key"] not in items:
        raise exceptions.Invalid("Request body and URI mismatch: name the same item.")
    image_metadata.add(request.context, request.args["image_id"], items)
    return {"meta": items}


def delete(request: wsgi.Request) -> None:
    image_metadata.remove(request.context, request.args["image_id"], request.args["key"])


def _row(verb: str, path: str, handler: Any, rule: str, **more: Any) -> Route:
    return Route(
        verb,
        f"/images/{{image_id}}/metadata{path}",
        handler,
        f"compute:image_metadata:{rule}",
        query=NO_QUERY,
        versions=("", "2.38"),
        **more,
    )


ROWS = [
    _row("GET", "", index, "list"),
    _row("POST", "", create, "create", body=_ALL_BODY),
    _row("PUT", "", replace, "replace", body=_ALL_BODY),
    _row("GET", "/{key}", show, "show"),
    _row("PUT", "/{key}", update, "update", body=_ONE_BODY),
    _row("DELETE", "/{key}", delete, "delete", status=204),
]
