"""Which projects may use a private flavor."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.compute.requests import flavors

_PROJECT = {
    "type": "object",
    "properties": {
        "tenant": {"type": "string", "minLength": 1, "maxLength": 64, "format": "name"}
    },
    "required": ["tenant"],
    "additionalProperties": False,
}


def _action(name: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: _PROJECT},
        "required": [name],
        "additionalProperties": False,
    }


_ADD = _action("addTenantAccess")
_REMOVE = _action("removeTenantAccess")


def _view(request: wsgi.Request, projects: list[str]) -> dict[str, Any]:
    flavor_id = request.args["flavor_id"]
    return {
        "flavor_access": [
            {"flavor_id": flavor_id, "tenant_id": project_id} for project_id in projects
        ]
    }


def index(request: wsgi.Request) -> dict[str, Any]:
    return _view(request, flavors.projects_of(request.context, request.args["flavor_id"]))


def add(request: wsgi.Request) -> dict[str, Any]:
    project_id = request.json_body["addTenantAccess"]["tenant"]
    projects = flavors.grant(request.context, request.args["flavor_id"], project_id)
    return _view(request, projects)


def remove(request: wsgi.Request) -> dict[str, Any]:
    project_id = request.json_body["removeTenantAccess"]["tenant"]
    projects = flavors.revoke(request.context, request.args["flavor_id"], project_id)
    return _view(request, projects)


_ACTION = "/flavors/{flavor_id}/action"

ROWS = [
    Route(
        "GET",
        "/flavors/{flavor_id}/os-flavor-access",
        index,
        "compute:flavor_access:list",
        query=NO_QUERY,
    ),
    Route(
        "POST",
        _ACTION,
        add,
        "compute:flavor_access:add",
        body=_ADD,
        query=NO_QUERY,
        action="addTenantAccess",
    ),
    Route(
        "POST",
        _ACTION,
        remove,
        "compute:flavor_access:remove",
        body=_REMOVE,
        query=NO_QUERY,
        action="removeTenantAccess",
    ),
]
