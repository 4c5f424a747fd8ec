"""Server groups: servers that are to be near each other, or apart."""

from typing import Any

from mycloud.api import paging, wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.versions import Version
from mycloud.common import policy
from mycloud.compute.requests import server_groups
from mycloud.db import engine
from mycloud.db import server_groups as db_groups
from mycloud.db.server_groups import Row

_OWNED = Version(2, 13)

_HARD = ["affinity", "anti-affinity"]
_SOFT = ["soft-affinity", "soft-anti-affinity"]


def _body(policies: list[str]) -> dict[str, Any]:
    group = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"},
            "policies": {
                "type": "array",
                "items": {"enum": policies},
                "minItems": 1,
                "maxItems": 1,
            },
        },
        "required": ["name", "policies"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"server_group": group},
        "required": ["server_group"],
        "additionalProperties": False,
    }


_CREATE_BODY = [("2.1", _body(_HARD)), ("2.15", _body(_HARD + _SOFT))]
_LIST_QUERY = {
    "type": "object",
    "properties": {
        "all_projects": {"type": "string", "maxLength": 16},
        "limit": paging.LIMIT,
        "offset": {"type": "string", "format": "int32", "pattern": "^[0-9]"},
    },
    "additionalProperties": True,
}


def view(request: wsgi.Request, group: Row, members: list[str]) -> dict[str, Any]:
    shown = {
        "id": group["id"],
        "name": group["name"],
        "policies": [group["policy"]],
        "members": members,
        "metadata": {},
    }
    if request.version >= _OWNED:
        shown |= {"project_id": group["project_id"], "user_id": group["user_id"]}
    return shown


def _project(request: wsgi.Request) -> str | None:
    """Whose groups may be seen: None for those of all."""
    return None if request.context.is_admin else str(request.context.project_id)


def index(request: wsgi.Request) -> dict[str, Any]:
    project_id: str | None = str(request.context.project_id)
    if "all_projects" in request.query and policy.allowed(
        request.context, "compute:server_groups:list_all"
    ):
        project_id = None
    offset = int(request.query.get("offset", 0))
    with engine.reader() as conn:
        groups = db_groups.every(
            conn, project_id=project_id, offset=offset, limit=paging.limit_of(request)
        )
        members = db_groups.members(conn, [group["id"] for group in groups])
    return {
        "server_groups": [view(request, group, members[group["id"]]) for group in groups]
    }


def show(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        group = db_groups.get(
            conn, request.args["group_id"], project_id=_project(request)
        )
        members = db_groups.members(conn, [group["id"]])
    return {"server_group": view(request, group, members[group["id"]])}


def create(request: wsgi.Request) -> dict[str, Any]:
    wanted = request.json_body["server_group"]
    group = server_groups.create(
        request.context, wanted["name"], wanted["policies"][0], rules={}
    )
    return {"server_group": view(request, group, [])}


def delete(request: wsgi.Request) -> None:
    server_groups.delete(request.args["group_id"], project_id=_project(request))


ROWS = [
    Route(
        "GET", "/os-server-groups", index, "compute:server_groups:list", query=_LIST_QUERY
    ),
    Route(
        "POST",
        "/os-server-groups",
        create,
        "compute:server_groups:create",
        body=_CREATE_BODY,
        query=NO_QUERY,
    ),
    Route(
        "GET",
        "/os-server-groups/{group_id}",
        show,
        "compute:server_groups:show",
        query=NO_QUERY,
    ),
    Route(
        "DELETE",
        "/os-server-groups/{group_id}",
        delete,
        "compute:server_groups:delete",
        query=NO_QUERY,
        status=204,
    ),
]
