"""Clean-up: services take up at once the work that waits for them."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.volume import fields, programs
from mycloud.common import clock, exceptions
from mycloud.db.services import Row
from mycloud.volume.requests import services, workers

_TEXT = {"type": ["string", "null"], "maxLength": 255, "format": "printable"}
_KINDS = {"Volume": "volume", "Snapshot": "snapshot"}
_BODY = {
    "type": "object",
    "properties": {
        "cluster_name": _TEXT,
        "service_id": {"type": ["string", "null"], "maxLength": 64},
        "host": _TEXT,
        "binary": {"enum": [None, *(programs.shown(name) for name in sorted(programs.SHOWN))]},
        "is_up": fields.BOOLEAN,
        "disabled": fields.BOOLEAN,
        "resource_id": {"type": ["string", "null"], "format": "uuid", "maxLength": 36},
        "resource_type": {"enum": [None, *_KINDS]},
    },
    "additionalProperties": False,
}


def _view(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "host": row["host"],
        "binary": programs.shown(row["binary"]),
        "cluster_name": None,
    }


def cleanup(request: wsgi.Request) -> dict[str, Any]:
    asked = {name: value for name, value in request.json_body.items() if value is not None}
    if asked.get("cluster_name"):
        raise exceptions.BadField(field="cluster_name", reason="there are no clusters here")
    if "resource_id" in asked and "resource_type" not in asked:
        raise exceptions.BadField(field="resource_type", reason="a resource_id needs it")
    binary, now = asked.get("binary"), clock.now()
    found = services.listed(
        programs.SHOWN,
        host=asked.get("host"),
        binary=programs.meant(binary) if binary else None,
    )
    meant = [
        row
        for row in found
        if ("service_id" not in asked or asked["service_id"] == row["id"])
        and ("disabled" not in asked or fields.truth(asked["disabled"]) == row["disabled"])
        and ("is_up" not in asked or fields.truth(asked["is_up"]) == services.is_up(row, now))
    ]
    kind = _KINDS.get(asked.get("resource_type", ""))
    reached, missed = workers.ring_again(
        request.context, meant, resource=(kind, asked.get("resource_id"))
    )
    return {"cleaning": [*map(_view, reached)], "unavailable": [*map(_view, missed)]}


ROWS = [
    Route(
        "POST",
        "/workers/cleanup",
        cleanup,
        "volume:services:cleanup",
        body=_BODY,
        query=NO_QUERY,
        status=202,
        versions=("3.24", ""),
    ),
]
