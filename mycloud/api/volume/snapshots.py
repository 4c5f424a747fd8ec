"""Snapshots of volumes."""

import re
from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Handler, Route
from mycloud.api.versions import Version
from mycloud.api.volume import fields, lists
from mycloud.api.volume.volumes import rows as volume_rows
from mycloud.api.volume.volumes import schemas
from mycloud.api.volume.volumes.views import time
from mycloud.common import exceptions
from mycloud.common.states import Snap
from mycloud.db import snapshot_list
from mycloud.db.filtered import Row
from mycloud.volume.requests import listing, manage_snapshots, reset, snapshots, submit

_GROUP = Version(3, 14)
_USER = Version(3, 41)
_QUOTA = Version(3, 65)
_CLIENTS = Version(3, 65)
_NO_FORCE = Version(3, 66)

FILTERS = lists.Filters(
    same={
        "id": "id",
        "name": "name",
        "display_name": "name",
        "description": "description",
        "status": "status",
        "volume_id": "volume_id",
        "user_id": "user_id",
    },
    like={"name": "name", "display_name": "name", "description": "description",
          "status": "status"},
    numbers={"size": "size_gb", "volume_size": "size_gb"},
    holds={"metadata": "metadata"},
    quota=True,
)
_QUERY = FILTERS.schema()
_CREATE = fields.wrapped(
    "snapshot",
    schemas.of(
        {
            "volume_id": {"type": ["string", "null"], "maxLength": 255},
            "name": schemas.NAME,
            "display_name": schemas.NAME,
            "description": schemas.DESCRIPTION,
            "display_description": schemas.DESCRIPTION,
            "metadata": schemas.METADATA,
            "force": {"enum": [*fields.BOOLEAN["enum"], None]},
        },
        "volume_id",
    ),
)
_UPDATE = fields.wrapped(
    "snapshot",
    {
        **schemas.of(
            {
                "name": schemas.NAME,
                "display_name": schemas.NAME,
                "description": schemas.DESCRIPTION,
                "display_description": schemas.DESCRIPTION,
                "metadata": schemas.METADATA,
            }
        ),
        "minProperties": 1,
    },
)
_RESET = schemas.of({"status": {"enum": list(reset.SNAPSHOT_STATUSES)}}, "status")
_REPORT = schemas.of(
    {
        "status": {"enum": [Snap.CREATING, Snap.AVAILABLE, Snap.ERROR, Snap.DELETING,
                            Snap.ERROR_DELETING]},
        "progress": {"type": ["string", "null"], "pattern": "^(100|[0-9]{1,2})%$"},
    },
    "status",
)


# -- views -------------------------------------------------------------------------------------


def _brief(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "status": row["status"],
        "size": row["size_gb"],
        "volume_id": row["volume_id"],
        "metadata": row["metadata"],
        "created_at": time(row["created_at"]),
        "updated_at": time(row["updated_at"]),
    }


def changed(request: wsgi.Request, row: Row) -> dict[str, Any]:
    """As the answers to POST and PUT have it."""
    found = _brief(row)
    if request.version >= _GROUP:
        found["group_snapshot_id"] = None
    if request.version >= _USER:
        found["user_id"] = row["user_id"]
    if request.version >= _QUOTA:
        found["consumes_quota"] = True
    return found


def _detail(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        **changed(request, row),
        "os-extended-snapshot-attributes:progress": f"{row['progress']}%",
        "os-extended-snapshot-attributes:project_id": row["project_id"],
    }


# -- handlers ----------------------------------------------------------------------------------


def _page(request: wsgi.Request) -> listing.Page:
    wanted = lists.wanted(
        request, FILTERS, snapshot_list.SORT, every="volume:volumes:all_projects"
    )
    return listing.snapshots(wanted, counted=lists.counted(request))


def index(request: wsgi.Request) -> Any:
    page = _page(request)
    return lists.answer(request, "snapshots", [_brief(row) for row in page.rows], page.count)


def detail(request: wsgi.Request) -> Any:
    page = _page(request)
    shown = [_detail(request, row) for row in page.rows]
    return lists.answer(request, "snapshots", shown, page.count)


def show(request: wsgi.Request) -> Any:
    row = snapshots.get(request.context, request.args["snapshot_id"])
    return {"snapshot": _detail(request, row)}


def create(request: wsgi.Request) -> Any:
    wanted = request.json_body["snapshot"]
    force = wanted.get("force")
    if request.version >= _NO_FORCE:
        if force is not None and not fields.truth(force):
            raise exceptions.BadField(
                field="force", reason="from microversion 3.66 on a snapshot is always forced; "
                "leave it out"
            )
        force = True
    elif force is None and request.version == _CLIENTS:
        # openstacksdk asks for 3.65 at most, while openstackclient leaves --force out where a
        # cloud knows 3.66
        force = True
    row, operation_id = snapshots.create(
        request.context,
        snapshots.SnapshotSpec(
            volume_id=wanted["volume_id"] or "",
            name=wanted.get("name", wanted.get("display_name")),
            description=wanted.get("description", wanted.get("display_description")),
            metadata=wanted.get("metadata") or {},
            force=force is not None and fields.truth(force),
        ),
        key=request.idempotency_key,
    )
    request.note_operation(operation_id)
    return {"snapshot": changed(request, row)}


def update(request: wsgi.Request) -> Any:
    changes = volume_rows.changes_of(request.json_body["snapshot"])
    row = snapshots.update(request.context, request.args["snapshot_id"], changes)
    return {"snapshot": changed(request, row)}


def delete(request: wsgi.Request) -> None:
    _delete(request, force=False)


def force_delete(request: wsgi.Request) -> None:
    _delete(request, force=True)


def _delete(request: wsgi.Request, *, force: bool) -> None:
    row = snapshots.get(request.context, request.args["snapshot_id"])
    request.note_operation(
        snapshots.delete(request.context, row, force=force, key=request.idempotency_key)
    )


def unmanage(request: wsgi.Request) -> None:
    row = snapshots.get(request.context, request.args["snapshot_id"])
    request.note_operation(
        manage_snapshots.leave(request.context, row, key=request.idempotency_key)
    )


def reset_status(request: wsgi.Request) -> None:
    changes = {"status": request.json_body["os-reset_status"]["status"]}
    reset.reset(request.context, submit.SNAPSHOT, request.args["snapshot_id"], changes)


def report(request: wsgi.Request) -> None:
    wanted = request.json_body["os-update_snapshot_status"]
    found = re.match("[0-9]+", wanted.get("progress") or "")
    reset.report_snapshot(
        request.context, request.args["snapshot_id"], wanted["status"],
        int(found[0]) if found else None,
    )


# -- rows --------------------------------------------------------------------------------------


def _action(name: str, handler: Handler, rule: str, inner: dict[str, Any]) -> Route:
    return Route(
        "POST", "/snapshots/{snapshot_id}/action", handler, f"volume:snapshots:{rule}",
        body=fields.wrapped(name, inner), query=ANY_QUERY, status=202, action=name,
    )


ROWS = [
    Route("GET", "/snapshots", index, "volume:snapshots:show", query=_QUERY),
    Route(
        "POST", "/snapshots", create, "volume:snapshots:create", body=_CREATE, query=ANY_QUERY,
        status=202,
    ),
    Route("GET", "/snapshots/detail", detail, "volume:snapshots:show", query=_QUERY),
    Route("GET", "/snapshots/{snapshot_id}", show, "volume:snapshots:show", query=ANY_QUERY),
    Route(
        "PUT", "/snapshots/{snapshot_id}", update, "volume:snapshots:update", body=_UPDATE,
        query=ANY_QUERY,
    ),
    Route(
        "DELETE", "/snapshots/{snapshot_id}", delete, "volume:snapshots:delete",
        query=ANY_QUERY, status=202,
    ),
    _action("os-reset_status", reset_status, "reset_status", _RESET),
    _action("os-force_delete", force_delete, "force_delete", schemas.NOTHING),
    _action("os-unmanage", unmanage, "unmanage", schemas.NOTHING),
    _action("os-update_snapshot_status", report, "report", _REPORT),
]
