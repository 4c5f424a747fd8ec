"""Which projects may use a private volume type."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.volume import fields
from mycloud.volume.requests import types

_PROJECT = {"project": {**fields.NAME, "maxLength": 64}}
_ADD = fields.body("addProjectAccess", _PROJECT, "project")
_REMOVE = fields.body("removeProjectAccess", _PROJECT, "project")


def index(request: wsgi.Request) -> dict[str, Any]:
    type_id = request.args["type_id"]
    return {
        "volume_type_access": [
            {"volume_type_id": type_id, "project_id": project_id}
            for project_id in types.projects_of(request.context, type_id)
        ]
    }


def add(request: wsgi.Request) -> None:
    project_id = request.json_body["addProjectAccess"]["project"]
    types.grant(request.context, request.args["type_id"], project_id)


def remove(request: wsgi.Request) -> None:
    project_id = request.json_body["removeProjectAccess"]["project"]
    types.revoke(request.context, request.args["type_id"], project_id)


_ACTION = "/types/{type_id}/action"

ROWS = [
    Route(
        "GET",
        "/types/{type_id}/os-volume-type-access",
        index,
        "volume:type_access:list",
        query=NO_QUERY,
    ),
    Route(
        "POST",
        _ACTION,
        add,
        "volume:type_access:add",
        body=_ADD,
        query=NO_QUERY,
        action="addProjectAccess",
        status=202,
    ),
    Route(
        "POST",
        _ACTION,
        remove,
        "volume:type_access:remove",
        body=_REMOVE,
        query=NO_QUERY,
        action="removeProjectAccess",
        status=202,
    ),
]
