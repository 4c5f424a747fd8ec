"""Quota sets: the limits of a project."""

from typing import Any

from oslo_utils import strutils

from mycloud.api import wsgi
from mycloud.api.routing import Route
from mycloud.api.schema import INT32_MAX
from mycloud.api.versions import Version
from mycloud.common import policy
from mycloud.compute.requests import projects, quotas
from mycloud.db import engine

_NETWORK = frozenset(quotas.NETWORK_RESOURCES)
_FILES = frozenset(
    {"injected_files", "injected_file_content_bytes", "injected_file_path_bytes"}
)
_ALL = (*quotas.RESOURCES, *quotas.NETWORK_RESOURCES)

#: A limit: -1 for none.
LIMIT = {
    "type": ["integer", "string"],
    "format": "int32",
    "pattern": r"^(-1|[0-9]+)\Z",
    "minimum": -1,
    "maximum": INT32_MAX,
}
_BOOLEAN = {
    "enum": [
        True, "True", "TRUE", "true", "1", "on", "ON", "On", "yes", "YES", "Yes",
        False, "False", "FALSE", "false", "0", "off", "OFF", "Off", "no", "NO", "No",
    ]
}  # fmt: skip


def resources(version: Version) -> tuple[str, ...]:
    """The limits that a microversion knows."""
    gone = (_NETWORK if version >= Version(2, 36) else frozenset()) | (
        _FILES if version >= Version(2, 57) else frozenset()
    )
    return tuple(name for name in _ALL if name not in gone)


def _body(version: Version) -> dict[str, Any]:
    properties: dict[str, Any] = dict.fromkeys(resources(version), LIMIT)
    quota_set = {
        "type": "object",
        "properties": {**properties, "force": _BOOLEAN},
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"quota_set": quota_set},
        "required": ["quota_set"],
        "additionalProperties": False,
    }


_UPDATE_BODY = [(text, _body(Version.parse(text))) for text in ("2.1", "2.36", "2.57")]
_QUERY = {
    "type": "object",
    "properties": {"user_id": {"type": "string", "minLength": 1, "maxLength": 64}},
    "additionalProperties": True,
}


def _project(request: wsgi.Request) -> str:
    project_id: str = request.args["project_id"]
    if project_id != request.context.project_id:
        policy.enforce(request.context, "compute:quota_sets:other_projects")
    return project_id


def _shown(request: wsgi.Request, values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in resources(request.version)}


def show(request: wsgi.Request) -> dict[str, Any]:
    project_id = _project(request)
    user_id = request.query.get("user_id")
    with engine.reader() as conn:
        projects.verify(conn, project_id)
        limits = quotas.limits(conn, project_id, user_id=user_id)
    return {"quota_set": {"id": project_id, **_shown(request, limits)}}


def detail(request: wsgi.Request) -> dict[str, Any]:
    project_id = _project(request)
    user_id = request.query.get("user_id")
    with engine.reader() as conn:
        projects.verify(conn, project_id)
        limits = quotas.limits(conn, project_id, user_id=user_id)
        usage = quotas.usage(conn, project_id, user_id=user_id)
    quota_set = {
        name: {"limit": limits[name], "in_use": usage[name], "reserved": 0} for name in limits
    }
    return {"quota_set": {"id": project_id, **_shown(request, quota_set)}}


def defaults(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        limits = quotas.limits(conn, None)
    return {"quota_set": {"id": request.args["project_id"], **_shown(request, limits)}}


def update(request: wsgi.Request) -> dict[str, Any]:
    wanted = dict(request.json_body["quota_set"])
    force = strutils.bool_from_string(wanted.pop("force", False))
    limits = quotas.set_limits(
        request.args["project_id"],
        {name: int(limit) for name, limit in wanted.items()},
        user_id=request.query.get("user_id"),
        force=force,
    )
    return {"quota_set": _shown(request, limits)}


def delete(request: wsgi.Request) -> None:
    quotas.forget(request.args["project_id"], user_id=request.query.get("user_id"))


_PATH = "/os-quota-sets/{project_id}"

ROWS = [
    Route("GET", _PATH, show, "compute:quota_sets:show", query=_QUERY),
    Route("GET", f"{_PATH}/detail", detail, "compute:quota_sets:detail", query=_QUERY),
    Route("GET", f"{_PATH}/defaults", defaults, "compute:quota_sets:defaults", query=_QUERY),
    Route(
        "PUT", _PATH, update, "compute:quota_sets:update", body=_UPDATE_BODY, query=_QUERY
    ),
    Route(
        "DELETE", _PATH, delete, "compute:quota_sets:delete", query=_QUERY, status=202
    ),
]
