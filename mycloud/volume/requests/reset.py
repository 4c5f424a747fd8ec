"""Set the status of a volume or a snapshot by hand: an operator's last resort.

Whatever works on it is asked to stop; what it still reports no longer touches it.
"""

from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.common.states import Snap, Vol
from mycloud.db import attachments, engine, journal, snapshots
from mycloud.volume.requests import use
from mycloud.volume.requests.submit import Noun
from mycloud.volume.requests.volumes import own_project

ATTACHED, DETACHED = "attached", "detached"
#: What the API may ask for.
VOLUME_STATUSES = tuple(status.value for status in Vol if status is not Vol.DELETED)
SNAPSHOT_STATUSES = tuple(
    status.value for status in Snap if status not in (Snap.DELETED, Snap.UNMANAGING)
)
MIGRATION_STATUSES = ("migrating", "error", "success", "completing", "none", "starting")


@engine.retried
def reset(
    context: RequestContext, noun: Noun, row_id: str, changes: dict[str, Any]
) -> None:
    """Write ``status``, ``migration_status`` or both.

    :raises NotFound:
    """
    with engine.writer() as conn:
        _reset(conn, context, noun, row_id, changes)


def _reset(
    conn: Connection, context: RequestContext, noun: Noun, row_id: str, changes: dict[str, Any]
) -> None:
    row = noun.get(conn, row_id, project_id=own_project(context))
    values = {**changes, "updated_at": clock.now()}
    if "status" in changes:
        if row["operation_id"] is not None:
            journal.request_cancel(conn, row["operation_id"])
        values |= {"operation_id": None, "previous_status": None}
    noun.update(conn, row_id, values)


@engine.retried
def detach(context: RequestContext, noun: Noun, volume_id: str, changes: dict[str, Any]) -> None:
    """As ``reset``, and forget who uses the volume.

    :raises AttachmentOfServer: when a server has it
    """
    with engine.writer() as conn:
        noun.get(conn, volume_id, project_id=own_project(context))
        for row in attachments.of_volumes(conn, [volume_id])[volume_id]:
            use.refuse_server(conn, row)
            attachments.end(conn, row["id"], clock.now())
        _reset(conn, context, noun, volume_id, changes)


#: status of a snapshot -> what its maker may say that it has become
_REPORTED = {
    Snap.CREATING: (Snap.CREATING, Snap.AVAILABLE, Snap.ERROR),
    Snap.DELETING: (Snap.DELETING, Snap.ERROR_DELETING),
}


@engine.retried
def report_snapshot(
    context: RequestContext, snapshot_id: str, status: str, progress: int | None
) -> None:
    """Say how far a snapshot is that no operation of ours makes.

    :raises SnapshotNotFound: :raises InvalidSnapshot: it can't become that, or one of ours is at
        work
    """
    with engine.writer() as conn:
        row = snapshots.get(conn, snapshot_id, project_id=own_project(context))
        allowed = _REPORTED.get(row["status"], ())
        values: dict[str, Any] = {"status": status, "updated_at": clock.now()}
        if progress is not None:
            values["progress"] = progress
        if status not in allowed or not snapshots.update(
            conn, snapshot_id, values, status=row["status"], operation_id=None
        ):
            raise exceptions.InvalidSnapshot(
                reason=f"Provided snapshot status {status} not allowed for snapshot with status "
                f"{row['status']}."
            )
