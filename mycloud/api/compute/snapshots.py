"""Snapshots of volumes as the compute API shows them, up to 2.35; block storage is the place for
more."""

from typing import Any

from oslo_utils import strutils

from mycloud.api import wsgi
from mycloud.api.compute.servers import views
from mycloud.api.compute.servers.devices import BOOL
from mycloud.api.compute.volumes import LIST_QUERY, TEXT, UNTIL, wanted
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.db.filtered import Row
from mycloud.volume.requests import listing
from mycloud.volume.requests import snapshots as requests

_CREATE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "snapshot": {
            "type": "object",
            "properties": {
                "volume_id": {"type": "string", "maxLength": 255},
                "force": BOOL,
                "display_name": TEXT,
                "display_description": TEXT,
            },
            "required": ["volume_id"],
            "additionalProperties": False,
        }
    },
    "required": ["snapshot"],
    "additionalProperties": False,
}


def _view(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "volumeId": row["volume_id"],
        "status": row["status"],
        "size": row["size_gb"],
        "createdAt": views.time_of(row["created_at"]),
        "displayName": row["name"],
        "displayDescription": row["description"],
    }


def index(request: wsgi.Request) -> Any:
    page = listing.snapshots(wanted(request), counted=False)
    return {"snapshots": [_view(row) for row in page.rows]}


def show(request: wsgi.Request) -> Any:
    return {"snapshot": _view(requests.get(request.context, request.args["snapshot_id"]))}


def create(request: wsgi.Request) -> Any:
    asked = request.json_body["snapshot"]
    row, operation_id = requests.create(
        request.context,
        requests.SnapshotSpec(
            volume_id=asked["volume_id"],
            name=asked.get("display_name"),
            description=asked.get("display_description"),
            force=strutils.bool_from_string(asked.get("force", False)),
        ),
        key=request.idempotency_key,
    )
    request.note_operation(operation_id)
    return {"snapshot": _view(row)}


def delete(request: wsgi.Request) -> None:
    row = requests.get(request.context, request.args["snapshot_id"])
    request.note_operation(
        requests.delete(request.context, row, key=request.idempotency_key)
    )


ROWS = [
    Route(
        "GET", "/os-snapshots", index, "volume:snapshots:show", query=LIST_QUERY,
        versions=UNTIL,
    ),
    Route(
        "POST", "/os-snapshots", create, "volume:snapshots:create", body=_CREATE,
        query=ANY_QUERY, versions=UNTIL,
    ),
    Route(
        "GET", "/os-snapshots/detail", index, "volume:snapshots:show", query=LIST_QUERY,
        versions=UNTIL,
    ),
    Route(
        "GET", "/os-snapshots/{snapshot_id}", show, "volume:snapshots:show", query=ANY_QUERY,
        versions=UNTIL,
    ),
    Route(
        "DELETE", "/os-snapshots/{snapshot_id}", delete, "volume:snapshots:delete",
        query=ANY_QUERY, status=202, versions=UNTIL,
    ),
]
