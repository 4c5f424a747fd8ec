"""The tags of a project."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.identity import common
from mycloud.api.identity.projects import TAGS
from mycloud.api.routing import ANY_QUERY, NO_BODY, Route
from mycloud.common import exceptions
from mycloud.db.identity.rows import Row
from mycloud.identity import projects, records

_REPLACE = {
    "type": "object",
    "properties": {"tags": TAGS},
    "required": ["tags"],
    "additionalProperties": False,
}
_LONGEST = 255
_MOST = 80


def _view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        "tags": row["tags"] or [],
        "links": common.link(request, f"/projects/{row['id']}/tags"),
    }


def _seen(request: wsgi.Request) -> Row:
    """The project, for who may see it."""
    project_id = request.args["project_id"]
    common.own(request, "identity:projects:show", "project", {"project_id": project_id})
    return records.get(records.PROJECT, project_id)


def _tag(request: wsgi.Request) -> str:
    tag = request.args["tag"]
    if "," in tag or "/" in tag or not 0 < len(tag) <= _LONGEST:
        raise exceptions.BadField(
            field="tag", reason=f"it must have 1 to {_LONGEST} characters, no comma and no slash"
        )
    return tag


def index(request: wsgi.Request) -> Any:
    return _view(request, _seen(request))


def replace(request: wsgi.Request) -> Any:
    tags = request.json_body["tags"]
    return _view(request, projects.set_tags(request.args["project_id"], tags))


def clear(request: wsgi.Request) -> Any:
    projects.set_tags(request.args["project_id"], [])


def check(request: wsgi.Request) -> Any:
    if request.args["tag"] not in (_seen(request)["tags"] or ()):
        raise _missing(request)


def add(request: wsgi.Request) -> Any:
    row, tag = records.get(records.PROJECT, request.args["project_id"]), _tag(request)
    tags = {*(row["tags"] or ()), tag}
    if len(tags) > _MOST:
        raise exceptions.BadField(field="tag", reason=f"a project has {_MOST} tags at most")
    projects.set_tags(row["id"], sorted(tags))
    request.out_headers["Location"] = common.link(
        request, f"/projects/{row['id']}/tags/{tag}"
    )["self"].encode("ascii", "replace").decode()


def remove(request: wsgi.Request) -> Any:
    row, tag = records.get(records.PROJECT, request.args["project_id"]), request.args["tag"]
    if tag not in (row["tags"] or ()):
        raise _missing(request)
    projects.set_tags(row["id"], [other for other in row["tags"] if other != tag])


def _missing(request: wsgi.Request) -> exceptions.IdentityNotFound:
    return exceptions.IdentityNotFound(noun="tag", id=request.args["tag"])


_ALL = "/projects/{project_id}/tags"
_ONE = "/projects/{project_id}/tags/{tag}"
_CHANGE = "identity:project_tags:update"
ROWS = [
    Route("GET", _ALL, index, "identity:any_user", query=ANY_QUERY),
    Route("PUT", _ALL, replace, _CHANGE, body=_REPLACE, query=ANY_QUERY),
    Route("DELETE", _ALL, clear, _CHANGE, query=ANY_QUERY, status=204),
    Route("GET", _ONE, check, "identity:any_user", query=ANY_QUERY, status=204),
    Route("PUT", _ONE, add, _CHANGE, body=NO_BODY, query=ANY_QUERY, status=201),
    Route("DELETE", _ONE, remove, _CHANGE, query=ANY_QUERY, status=204),
]
