"""Backups of volumes: reading, state changes by compare and swap, how an operation settles."""

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions, states
from mycloud.common.states import Backup, Op
from mycloud.db import live, snapshots, volume_keys, volume_messages, volumes
from mycloud.db.models import backups, volume_snapshots
from mycloud.db.models import volumes as volume_table

Row = Mapping[str, Any]

#: A change that is no column: the restore has failed before it touched the volume.
UNTOUCHED = "volume_untouched"
#: Kinds of which the backup is not the resource but the source.
_FROM_BACKUP = frozenset({"volume.create"})


def insert(conn: Connection, row: dict[str, Any]) -> None:
    conn.execute(sa.insert(backups).values(**row))


def get(
    conn: Connection, backup_id: str, *, project_id: str | None = None, deleted: bool = False
) -> Row:
    """One backup; of that project only, if one is given.

    :raises BackupNotFound: also for another project's backup
    """
    row = live.get(conn, backups, backup_id, project_id=project_id, deleted=deleted)
    if row is None:
        raise exceptions.BackupNotFound(backup_id=backup_id)
    return row


def update(
    conn: Connection, backup_id: str, changes: dict[str, Any], **expected: Any
) -> bool:
    """Change a live backup if its columns still have the ``expected`` values."""
    return live.update(conn, backups, backup_id, changes, expected)


def latest(
    conn: Connection, volume_id: str, project_id: str, *,
    before: datetime.datetime | None = None,
) -> Row | None:
    """The project's newest backup of a volume that is available: by when its data was what it
    is, which was earlier than ``before``."""
    query = sa.select(backups).where(
        backups.c.volume_id == volume_id,
        backups.c.project_id == project_id,
        backups.c.status == Backup.AVAILABLE,
        backups.c.deleted_at.is_(None),
    )
    if before is not None:
        query = query.where(backups.c.data_timestamp < before)
    newest = query.order_by(
        backups.c.data_timestamp.desc(), backups.c.created_at.desc(), backups.c.id
    )
    return conn.execute(newest.limit(1)).mappings().first()


def is_known(conn: Connection, backup_id: str) -> bool:
    """Whether there is or was a backup of that id."""
    return live.get(conn, backups, backup_id, deleted=True) is not None


def dependants(conn: Connection, row: Row) -> list[str]:
    """Ids of the live backups that are on top of this one, or of its bytes if no other live one
    has them."""
    below = {row["id"]}
    if not sharing(conn, row):
        below.add(row["data_id"] or row["id"])
    query = sa.select(backups.c.id).where(
        backups.c.parent_id.in_(below), backups.c.id != row["id"], backups.c.deleted_at.is_(None)
    )
    return list(conn.execute(query.order_by(backups.c.id)).scalars())


def sharing(conn: Connection, row: Row) -> list[str]:
    """Ids of the other live backups that have the same bytes in the repository."""
    data_id = row["data_id"] or row["id"]
    query = sa.select(backups.c.id).where(
        sa.func.coalesce(backups.c.data_id, backups.c.id) == data_id,
        backups.c.id != row["id"],
        backups.c.deleted_at.is_(None),
    )
    return list(conn.execute(query).scalars())


# -- how operations settle ---------------------------------------------------------------------


def settle(
    conn: Connection, operation: Row, outcome: Op, changes: dict[str, Any],
    now: datetime.datetime,
) -> list[Row]:
    """Move the backup, and the volume or snapshot that it held, to what the end of its operation
    makes of them."""
    row = get(conn, operation["resource_id"], deleted=True)
    found = dict(changes)
    fault = found.pop("fault", None)
    untouched = found.pop(UNTOUCHED, False)
    if "data_timestamp" in found:
        # as text it came over the bus
        found["data_timestamp"] = datetime.datetime.fromisoformat(found["data_timestamp"])
    status = volumes.next_status(states.BACKUP[operation["kind"]], row, outcome)
    values = {
        **found,
        "status": status,
        "previous_status": None,
        "operation_id": None,
        "updated_at": now,
    }
    if outcome is Op.SUCCEEDED:
        values["fail_reason"] = None
    elif operation["kind"] != "backup.restore":
        values["fail_reason"] = (fault or {}).get("message") or "It did not end in time."
    if status == Backup.DELETED:
        values["deleted_at"] = now
    update(conn, row["id"], values, operation_id=operation["id"])
    if status == Backup.DELETED:
        volume_keys.forget_unused(conn, row["encryption_key_id"])
    if outcome is Op.FAILED:
        volume_messages.add_failure(conn, operation, fault, now)
    if operation["second_id"]:
        release_held(conn, operation, outcome, now, untouched=untouched)
    return []


def release_held(
    conn: Connection, operation: Row, outcome: Op, now: datetime.datetime, *, untouched: bool
) -> None:
    """Let go of the volume, or of the snapshot, that an operation on a backup held.

    ``untouched``: the failure has not changed it."""
    done = Op.CANCELLED if untouched else outcome
    snapshot_id = operation["payload"].get("snapshot_id")
    if snapshot_id:
        row = live.get(conn, volume_snapshots, snapshot_id)
        change, transitions = snapshots.update, states.SNAPSHOT
    else:
        row = live.get(conn, volume_table, operation["second_id"])
        change, transitions = volumes.update, states.VOLUME
    transition = transitions.get(operation["kind"])
    if row is None or transition is None or row["operation_id"] != operation["id"]:
        return
    values = {
        "status": volumes.next_status(transition, row, done),
        "previous_status": None,
        "operation_id": None,
        "updated_at": now,
    }
    if outcome is Op.SUCCEEDED:
        values |= operation["payload"].get("volume_changes") or {}
    change(conn, row["id"], values, operation_id=operation["id"])


def release_source(conn: Connection, operation: Row, now: datetime.datetime) -> None:
    """Let go of the backup that a volume was made from, however that ended."""
    if operation["kind"] not in _FROM_BACKUP:
        return
    conn.execute(
        sa.update(backups)
        .where(backups.c.operation_id == operation["id"])
        .values(
            status=Backup.AVAILABLE, previous_status=None, operation_id=None, updated_at=now
        )
    )
