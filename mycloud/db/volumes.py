"""Volumes: reading, state changes by compare and swap, how an operation settles."""

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions, states
from mycloud.common.states import Op, Snap, Vol
from mycloud.db import images, live, volume_keys, volume_messages, volume_moves, volume_pools
from mycloud.db.models import volume_snapshots as snapshots
from mycloud.db.models import volumes

Row = Mapping[str, Any]


def insert(conn: Connection, rows: list[dict[str, Any]]) -> None:
    conn.execute(sa.insert(volumes), rows)


def get(
    conn: Connection, volume_id: str, *, project_id: str | None = None, deleted: bool = False
) -> Row:
    """One volume; of that project only, if one is given.

    :raises VolumeNotFound: also for another project's volume
    """
    row = live.get(conn, volumes, volume_id, project_id=project_id, deleted=deleted)
    if row is None:
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    return row


def lock(conn: Connection, volume_id: str) -> Row:
    """A live volume that nobody else changes before this transaction ends.

    :raises VolumeNotFound:
    """
    query = sa.select(volumes).where(
        volumes.c.id == volume_id, volumes.c.deleted_at.is_(None)
    )
    row = conn.execute(query.with_for_update()).mappings().first()
    if row is None:
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    return row


def take_turn(conn: Connection, volume_id: str) -> None:
    """Before its attachments or its copies are looked at: see ``live.take_turn``."""
    live.take_turn(conn, volumes, volume_id)


def update(
    conn: Connection, volume_id: str, changes: dict[str, Any], **expected: Any
) -> bool:
    """Change a live volume if its columns still have the ``expected`` values."""
    return live.update(conn, volumes, volume_id, changes, expected)


def on_backend(conn: Connection, host: str) -> list[Row]:
    """The live volumes of a volume service (HOST@BACKEND), in all of its pools."""
    query = sa.select(volumes).where(
        sa.or_(volumes.c.host == host, volumes.c.host.startswith(f"{host}#", autoescape=True)),
        volumes.c.deleted_at.is_(None),
    )
    return list(conn.execute(query).mappings())


def places_of(
    conn: Connection, volume_ids: list[str], *, project_id: str
) -> dict[str, str]:
    """Where those of the ids lie that are live volumes of the project and are placed."""
    if not volume_ids:
        return {}
    query = sa.select(volumes.c.id, volumes.c.host).where(
        volumes.c.id.in_(volume_ids),
        volumes.c.project_id == project_id,
        volumes.c.host.is_not(None),
        volumes.c.deleted_at.is_(None),
    )
    return dict(conn.execute(query).tuples().all())


def being_made_from(conn: Connection, column: str, source_id: str) -> list[str]:
    """Ids of the volumes that are being made from a snapshot, a volume or a backup
    (``snapshot_id``, ``source_volid``, ``backup_id``)."""
    query = sa.select(volumes.c.id).where(
        volumes.c[column] == source_id,
        volumes.c.status.in_([Vol.CREATING, Vol.DOWNLOADING]),
        volumes.c.deleted_at.is_(None),
    )
    return list(conn.execute(query).scalars())


def next_status(transition: states.StatusTransition, row: Row, outcome: Op) -> str:
    """What the end of an operation makes of the status of what it was about."""
    if transition.during is None and row["status"] != Vol.MAINTENANCE:
        # it went on to be what its attachments make of it
        unchanged: str = row["status"]
        return unchanged
    if outcome is Op.SUCCEEDED and transition.after is not None:
        return transition.after
    if outcome is Op.FAILED and transition.failed is not None:
        return transition.failed
    found: str = row["previous_status"] or transition.failed or row["status"]
    return found


def settle(
    conn: Connection, operation: Row, outcome: Op, changes: dict[str, Any],
    now: datetime.datetime,
) -> list[Row]:
    """Move the volume to what the end of its operation makes of it; a failure is told to the
    user in a message."""
    row = get(conn, operation["resource_id"], deleted=True)
    followers: list[Row] = []
    if operation["kind"] == states.DISCARD:
        return volume_moves.discarded(conn, operation, outcome, now)
    if operation["kind"] in states.MOVES:
        moved, followers = volume_moves.settle(conn, operation, row, outcome, changes)
        changes = {**changes, **moved}
    transition = states.VOLUME[operation["kind"]]
    status = next_status(transition, row, outcome)
    values: dict[str, Any] = {
        **changes,
        "status": status,
        "previous_status": None,
        "operation_id": None,
        "grows_to_gb": None,
        "updated_at": now,
    }
    if outcome is Op.SUCCEEDED:
        values["fault"] = None
        if operation["kind"] in ("volume.create", "volume.manage"):
            values["launched_at"] = now
    if status == Vol.DELETED:
        values |= {"deleted_at": now, "terminated_at": now}
    update(conn, row["id"], values, operation_id=operation["id"])
    if outcome is Op.FAILED:
        volume_messages.add_failure(conn, operation, changes.get("fault"), now)
    if operation["kind"] in _WITH_SNAPSHOTS:
        _settle_snapshots(conn, operation, outcome, now)
    if operation["kind"] == "volume.upload_image" and outcome is not Op.SUCCEEDED:
        images.drop_unfinished(conn, operation["payload"]["image_id"], now)
    if status == Vol.DELETED:
        volume_pools.release(conn, row["host"], row["size_gb"])
        volume_keys.forget_unused(conn, row["encryption_key_id"])
    elif outcome is not Op.SUCCEEDED and operation["kind"] == "volume.extend":
        volume_pools.release(conn, row["host"], operation["payload"]["size_gb"] - row["size_gb"])
    return followers


#: These have snapshots of the volume, too.
_WITH_SNAPSHOTS = frozenset({"volume.delete", "volume.revert"})


def _settle_snapshots(
    conn: Connection, operation: Row, outcome: Op, now: datetime.datetime
) -> None:
    """End what the operation of a volume does to its snapshots; where it could not delete them,
    each can be deleted again."""
    values: dict[str, Any] = {"operation_id": None, "updated_at": now}
    if operation["kind"] == "volume.revert":
        values["status"] = Snap.AVAILABLE
    elif outcome is Op.SUCCEEDED:
        values |= {"status": Snap.DELETED, "deleted_at": now}
    else:
        values["status"] = Snap.ERROR_DELETING
    conn.execute(
        sa.update(snapshots)
        .where(snapshots.c.operation_id == operation["id"], snapshots.c.deleted_at.is_(None))
        .values(**values)
    )
