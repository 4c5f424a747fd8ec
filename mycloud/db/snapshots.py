"""Snapshots of volumes: reading, state changes by compare and swap, how an operation settles."""

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions, states
from mycloud.common.states import Op, Snap
from mycloud.db import live, volume_messages, volumes
from mycloud.db.models import volume_snapshots as snapshots

Row = Mapping[str, Any]


def insert(conn: Connection, rows: list[dict[str, Any]]) -> None:
    conn.execute(sa.insert(snapshots), rows)


def get(
    conn: Connection, snapshot_id: str, *, project_id: str | None = None, deleted: bool = False
) -> Row:
    """One snapshot; of that project only, if one is given.

    :raises SnapshotNotFound: also for another project's snapshot
    """
    row = live.get(conn, snapshots, snapshot_id, project_id=project_id, deleted=deleted)
    if row is None:
        raise exceptions.SnapshotNotFound(snapshot_id=snapshot_id)
    return row


def take_turn(conn: Connection, snapshot_id: str) -> None:
    """Before its copies are looked at: see ``live.take_turn``."""
    live.take_turn(conn, snapshots, snapshot_id)


def update(
    conn: Connection, snapshot_id: str, changes: dict[str, Any], **expected: Any
) -> bool:
    """Change a live snapshot if its columns still have the ``expected`` values."""
    return live.update(conn, snapshots, snapshot_id, changes, expected)


def of_volume(conn: Connection, volume_id: str) -> list[Row]:
    """The live snapshots of a volume, oldest first."""
    query = (
        sa.select(snapshots)
        .where(snapshots.c.volume_id == volume_id, snapshots.c.deleted_at.is_(None))
        .order_by(snapshots.c.created_at, snapshots.c.id)
    )
    return list(conn.execute(query).mappings())


def settle(
    conn: Connection, operation: Row, outcome: Op, changes: dict[str, Any],
    now: datetime.datetime,
) -> list[Row]:
    """Move the snapshot to what the end of its operation makes of it."""
    row = get(conn, operation["resource_id"], deleted=True)
    status = volumes.next_status(states.SNAPSHOT[operation["kind"]], row, outcome)
    values: dict[str, Any] = {
        **changes,
        "status": status,
        "previous_status": None,
        "operation_id": None,
        "updated_at": now,
    }
    if outcome is Op.SUCCEEDED:
        values |= {"progress": 100, "fault": None}
    else:
        volume_messages.add_failure(conn, operation, changes.get("fault"), now)
    if status == Snap.DELETED:
        values["deleted_at"] = now
    update(conn, row["id"], values, operation_id=operation["id"])
    return []
