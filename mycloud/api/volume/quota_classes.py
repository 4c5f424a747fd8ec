"""Quota class sets: the class "default" holds for every project without limits of its own."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.volume import quotas as quota_sets
from mycloud.db import engine, volume_types
from mycloud.volume.requests import quotas

_UPDATE_BODY = quota_sets.body("quota_class_set")


def show(request: wsgi.Request) -> dict[str, Any]:
    name = request.args["class_name"]
    with engine.reader() as conn:
        limits = quotas.class_limits(conn, name, volume_types.visible(conn, None))
    return {"quota_class_set": {**limits, "id": name}}


def update(request: wsgi.Request) -> dict[str, Any]:
    wanted = quota_sets.wanted(request, "quota_class_set")
    return {"quota_class_set": quotas.set_class_limits(request.args["class_name"], wanted)}


_PATH = "/os-quota-class-sets/{class_name}"

ROWS = [
    Route("GET", _PATH, show, "volume:quota_class_sets:show", query=NO_QUERY),
    Route(
        "PUT",
        _PATH,
        update,
        "volume:quota_class_sets:update",
        body=_UPDATE_BODY,
        query=NO_QUERY,
    ),
]
