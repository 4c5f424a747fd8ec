"""The volume types that projects get when they name none."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.volume import fields
from mycloud.common import exceptions
from mycloud.db import default_volume_types, engine
from mycloud.volume.requests import types

_BODY = fields.body("default_type", {"volume_type": fields.NAME}, "volume_type")
_FIRST = ("3.62", "")


def _view(project_id: str, type_id: str) -> dict[str, str]:
    return {"project_id": project_id, "volume_type_id": type_id}


def index(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        found = default_volume_types.every(conn)
    return {"default_types": [_view(*each) for each in found.items()]}


def show(request: wsgi.Request) -> dict[str, Any]:
    project_id = request.args["project_id"]
    with engine.reader() as conn:
        type_id = default_volume_types.get(conn, project_id)
    if type_id is None:
        raise exceptions.NotFound(f"Default type for project {project_id} could not be found.")
    return {"default_type": _view(project_id, type_id)}


def update(request: wsgi.Request) -> dict[str, Any]:
    project_id = request.args["project_id"]
    wanted = request.json_body["default_type"]["volume_type"]
    type_id = types.set_default(request.context, project_id, wanted)
    return {"default_type": _view(project_id, type_id)}


def delete(request: wsgi.Request) -> None:
    types.unset_default(request.args["project_id"])


_ONE = "/default-types/{project_id}"

ROWS = [
    Route(
        "GET",
        "/default-types",
        index,
        "volume:default_types:list",
        query=NO_QUERY,
        versions=_FIRST,
    ),
    Route("GET", _ONE, show, "volume:default_types:show", query=NO_QUERY, versions=_FIRST),
    Route(
        "PUT",
        _ONE,
        update,
        "volume:default_types:update",
        body=_BODY,
        query=NO_QUERY,
        versions=_FIRST,
    ),
    Route(
        "DELETE",
        _ONE,
        delete,
        "volume:default_types:delete",
        query=NO_QUERY,
        status=204,
        versions=_FIRST,
    ),
]
