"""Snapshots of volumes: create, delete, update."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.common.states import Snap, Vol
from mycloud.db import engine, journal, snapshots, volume_types, volumes
from mycloud.journal import submit as journal_submit
from mycloud.journal.submit import New
from mycloud.volume.requests import quotas, submit
from mycloud.volume.requests.volumes import own_project, refuse_copies

Row = Mapping[str, Any]

KIND = "snapshot.create"


@dataclass(frozen=True)
class SnapshotSpec:
    """What the caller asks for. ``force``: also of a volume that is in use."""

    volume_id: str
    name: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    force: bool = False


def get(context: RequestContext, snapshot_id: str) -> Row:
    """A live snapshot that the caller may see.

    :raises SnapshotNotFound: also for another project's
    """
    with engine.reader() as conn:
        return snapshots.get(conn, snapshot_id, project_id=own_project(context))


@engine.retried
def create(
    context: RequestContext, spec: SnapshotSpec, *, key: str | None = None
) -> tuple[Row, str]:
    """Accept a snapshot; its row and the operation that takes it.

    :raises VolumeNotFound: :raises InvalidVolume: :raises VolumeQuotaExceeded:
    """
    asked = journal_submit.digest(KIND, vars(spec))
    scoped = journal_submit.scoped_key(context, key)
    with engine.writer() as conn:
        done = journal_submit.replay(conn, scoped, asked)
        if done is not None:
            return snapshots.get(conn, done["resource_id"], deleted=True), done["id"]
        volume = volumes.get(conn, spec.volume_id, project_id=own_project(context))
        row, operation = insert(conn, context, volume, spec)
        if scoped:
            operation |= {"idempotency_key": scoped, "idempotency_digest": asked}
        journal.insert(conn, operation)
    journal_submit.ring(context, operation)
    return row, operation["id"]


def insert(
    conn: Connection, context: RequestContext, volume: Row, spec: SnapshotSpec
) -> tuple[Row, dict[str, Any]]:
    """Check, count the quota and write the snapshot, in this transaction; its row, and that of
    its operation, which the caller writes and rings.

    :raises InvalidVolume: :raises VolumeQuotaExceeded:
    """
    # nobody deletes or reverts it between this look and the snapshot's row
    volume = volumes.lock(conn, volume["id"])
    allowed = [Vol.AVAILABLE, *([Vol.IN_USE] if spec.force else [])]
    if volume["status"] not in allowed or volume["operation_id"] is not None:
        hint = "; ask with force to take one of a volume in use" if not spec.force else ""
        raise exceptions.InvalidVolume(
            reason=f"Volume {volume['id']} status must be {' or '.join(allowed)} to take a "
            f"snapshot, but it is {volume['status']}{hint}."
        )
    kind = None
    if volume["volume_type_id"]:
        kind = volume_types.by_id(conn, volume["volume_type_id"])
    quotas.check(
        conn, volume["project_id"], {"snapshots": 1, "gigabytes": volume["size_gb"]},
        type_name=kind["name"] if kind else None,
    )
    now = clock.now()
    snapshot_id, operation_id = clock.new_id(), clock.new_id()
    snapshots.insert(
        conn,
        [
            {
                "id": snapshot_id,
                "project_id": volume["project_id"],
                "user_id": context.user_id,
                "volume_id": volume["id"],
                "name": spec.name,
                "description": spec.description,
                "size_gb": volume["size_gb"],
                "status": Snap.CREATING,
                "operation_id": operation_id,
                "volume_type_id": volume["volume_type_id"],
                "encryption_key_id": volume["encryption_key_id"],
                "metadata": spec.metadata,
                "image_metadata": volume["image_metadata"],
                "created_at": now,
            }
        ],
    )
    row = snapshots.get(conn, snapshot_id)
    operation = submit.operation(
        context, KIND, row, place=volume["host"], id=operation_id, second_id=volume["id"],
        payload={"volume_id": volume["id"]},
    )
    return row, operation


def delete(
    context: RequestContext, snapshot: Row, *, force: bool = False, key: str | None = None
) -> str:
    """Delete a snapshot; the operation's id. ``force``: whatever its status is.

    :raises InvalidSnapshot: its status does not allow it, or a volume is being made from it
    """
    with engine.reader() as conn:
        refuse_copies(conn, snapshot)
    if force:
        _force(snapshot)
    new = New(
        "snapshot.delete", {"volume_id": snapshot["volume_id"]},
        along=lambda conn: refuse_copies(conn, snapshot),
    )
    return submit.submit(context, submit.SNAPSHOT, snapshot, new, key=key)


@engine.retried
def _force(snapshot: Row) -> None:
    with engine.writer() as conn:
        row = snapshots.get(conn, snapshot["id"])
        if row["operation_id"] is not None:
            journal.request_cancel(conn, row["operation_id"])
        snapshots.update(
            conn, snapshot["id"],
            {"status": Snap.ERROR, "operation_id": None, "updated_at": clock.now()},
        )


@engine.retried
def update(context: RequestContext, snapshot_id: str, changes: dict[str, Any]) -> Row:
    """Change name, description or metadata.

    :raises SnapshotNotFound:
    """
    with engine.writer() as conn:
        snapshots.get(conn, snapshot_id, project_id=own_project(context))
        snapshots.update(conn, snapshot_id, {**changes, "updated_at": clock.now()})
        return snapshots.get(conn, snapshot_id)


# -- revert ------------------------------------------------------------------------------------


def revert(
    context: RequestContext, volume: Row, snapshot_id: str, *, key: str | None = None
) -> str:
    """Let a volume hold again what its latest snapshot holds; the operation's id.

    :raises SnapshotNotFound: also for one of another volume
    :raises Invalid: it is not the latest one
    :raises VolumeNotRevertible: the status or the size of one of them does not allow it
    """
    noun = dataclasses.replace(submit.VOLUME, refusal=exceptions.VolumeNotRevertible)

    def along(conn: Connection) -> None:
        row = snapshots.get(conn, snapshot_id, project_id=own_project(context))
        if row["volume_id"] != volume["id"]:
            raise exceptions.SnapshotNotFound(snapshot_id=snapshot_id)
        latest = snapshots.of_volume(conn, volume["id"])[-1]
        if latest["id"] != snapshot_id:
            raise exceptions.Invalid(
                f"The snapshot {snapshot_id} is not the latest one of volume {volume['id']}; "
                f"that is {latest['id']}."
            )
        now = volumes.get(conn, volume["id"])
        if now["size_gb"] != row["size_gb"]:
            raise exceptions.VolumeNotRevertible(
                reason=f"it has {now['size_gb']} GiB and the snapshot {row['size_gb']}: it has "
                "grown since. Make a new volume from the snapshot instead."
            )
        changes = {
            "status": Snap.RESTORING, "operation_id": now["operation_id"],
            "updated_at": clock.now(),
        }
        if not snapshots.update(
            conn, snapshot_id, changes, status=Snap.AVAILABLE, operation_id=None
        ):
            raise exceptions.VolumeNotRevertible(
                reason=f"snapshot {snapshot_id} must be {Snap.AVAILABLE}, but it is "
                f"{row['status']}."
            )

    new = New("volume.revert", {"snapshot_id": snapshot_id}, along=along)
    return submit.submit(context, noun, volume, new, key=key)
