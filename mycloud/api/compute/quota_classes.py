"""Quota class sets: the class "default" holds for every project without limits of its own."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.compute import quotas as quota_sets
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.versions import Version
from mycloud.compute.requests import quotas
from mycloud.db import engine

#: Known to classes from 2.50 on, while projects had them all the time.
_GROUPS = frozenset({"server_groups", "server_group_members"})
_COMPLETE = Version(2, 50)


def _resources(version: Version) -> tuple[str, ...]:
    if version >= _COMPLETE:
        return quota_sets.resources(version)
    every = quota_sets.resources(Version(2, 1))
    return tuple(name for name in every if name not in _GROUPS)


def _body(version: Version) -> dict[str, Any]:
    properties: dict[str, Any] = dict.fromkeys(_resources(version), quota_sets.LIMIT)
    class_set = {"type": "object", "properties": properties, "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"quota_class_set": class_set},
        "required": ["quota_class_set"],
        "additionalProperties": False,
    }


_UPDATE_BODY = [(text, _body(Version.parse(text))) for text in ("2.1", "2.50", "2.57")]


def _shown(request: wsgi.Request, limits: dict[str, int]) -> dict[str, Any]:
    return {name: limits[name] for name in _resources(request.version)}


def show(request: wsgi.Request) -> dict[str, Any]:
    name = request.args["class_name"]
    with engine.reader() as conn:
        limits = quotas.class_limits(conn, name)
    return {"quota_class_set": {"id": name, **_shown(request, limits)}}


def update(request: wsgi.Request) -> dict[str, Any]:
    wanted = request.json_body["quota_class_set"]
    limits = quotas.set_class_limits(
        request.args["class_name"], {name: int(limit) for name, limit in wanted.items()}
    )
    return {"quota_class_set": _shown(request, limits)}


_PATH = "/os-quota-class-sets/{class_name}"

ROWS = [
    Route("GET", _PATH, show, "compute:quota_class_sets:show", query=NO_QUERY),
    Route(
        "PUT",
        _PATH,
        update,
        "compute:quota_class_sets:update",
        body=_UPDATE_BODY,
        query=NO_QUERY,
    ),
]
