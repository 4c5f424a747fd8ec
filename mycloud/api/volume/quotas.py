"""Quota sets: the limits of a project, and of its volumes of each type."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.schema import INT32_MAX
from mycloud.api.volume import fields
from mycloud.common import policy
from mycloud.compute.requests import projects
from mycloud.db import engine, volume_types
from mycloud.volume.requests import quotas

#: A limit: -1 for none.
LIMIT = {
    "type": ["integer", "string"],
    "format": "int32",
    "pattern": r"^(-1|[0-9]+)\Z",
    "minimum": -1,
    "maximum": INT32_MAX,
}
#: What clients send beside limits; it is the path that counts.
_IGNORED = ("tenant_id", "id", "class_name")


def body(name: str) -> dict[str, Any]:
    """The schema of limits under ``name``; resources of types are known at the time only."""
    limits = {
        "type": "object",
        "properties": dict.fromkeys(_IGNORED, {"type": "string", "maxLength": 255}),
        "patternProperties": {r"^(?!(tenant_id|id|class_name)\Z).{1,300}\Z": LIMIT},
        "additionalProperties": False,
        "maxProperties": 1000,
    }
    return fields.wrapped(name, limits)


def wanted(request: wsgi.Request, name: str) -> dict[str, int]:
    """The limits that the body under ``name`` sets."""
    limits = request.json_body[name]
    return {name: int(limit) for name, limit in limits.items() if name not in _IGNORED}


_UPDATE_BODY = body("quota_set")
_SHOW_QUERY = {
    "type": "object",
    "properties": {"usage": fields.FLAG},
    "additionalProperties": True,
}
_UPDATE_QUERY = {
    "type": "object",
    "properties": {"skip_validation": fields.FLAG},
    "additionalProperties": True,
}


def _project(request: wsgi.Request) -> str:
    project_id: str = request.args["project_id"]
    if project_id != request.context.project_id:
        policy.enforce(request.context, "volume:quota_sets:other_projects")
    return project_id


def _whose(request: wsgi.Request) -> str | None:
    """Whose volume types have limits that are shown: administrators see those of all."""
    return None if request.context.is_admin else request.context.project_id


def show(request: wsgi.Request) -> dict[str, Any]:
    project_id = _project(request)
    with_usage = fields.flag(request, "usage", default=False)
    with engine.reader() as conn:
        projects.verify(conn, project_id)
        types = volume_types.visible(conn, _whose(request))
        limits = quotas.limits(conn, project_id, types)
        used = quotas.usage(conn, project_id, types) if with_usage else {}
    if with_usage:
        detail = {
            name: {"limit": limit, "in_use": used[name], "reserved": 0}
            for name, limit in limits.items()
        }
        return {"quota_set": {**detail, "id": project_id}}
    return {"quota_set": {**limits, "id": project_id}}


def defaults(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        types = volume_types.visible(conn, _whose(request))
        limits = quotas.limits(conn, None, types)
    return {"quota_set": {**limits, "id": request.args["project_id"]}}


def update(request: wsgi.Request) -> dict[str, Any]:
    limits = quotas.set_limits(
        request.args["project_id"],
        wanted(request, "quota_set"),
        check_usage=not fields.flag(request, "skip_validation", default=True),
    )
    return {"quota_set": limits}


def delete(request: wsgi.Request) -> None:
    quotas.forget(request.args["project_id"])


_PATH = "/os-quota-sets/{project_id}"

ROWS = [
    Route("GET", _PATH, show, "volume:quota_sets:show", query=_SHOW_QUERY),
    Route("GET", f"{_PATH}/defaults", defaults, "volume:quota_sets:defaults", query=NO_QUERY),
    Route(
        "PUT", _PATH, update, "volume:quota_sets:update", body=_UPDATE_BODY, query=_UPDATE_QUERY
    ),
    Route("DELETE", _PATH, delete, "volume:quota_sets:delete", query=NO_QUERY),
]
