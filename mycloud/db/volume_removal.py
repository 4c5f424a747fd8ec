"""Volumes that go with the server that they were made for."""

import datetime
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import states
from mycloud.common.states import Op, Vol
from mycloud.db import journal, snapshots, volume_pools, volumes

Row = Mapping[str, Any]

_MAKING = (Vol.CREATING, Vol.DOWNLOADING)


def begin(
    conn: Connection, operation: Row, volume_id: str, now: datetime.datetime
) -> list[Row]:
    """Delete a volume that nobody uses any more, as a part of ``operation``; what to ring.

    One that is being made is given up. One that has snapshots, that another server uses, that is
    being copied or that something else is done to stays: it is its owner's to delete.
    """
    volume = volumes.lock(conn, volume_id)
    if volume["status"] in _MAKING and volume["operation_id"] is not None:
        return _give_up(conn, operation, volume, now)
    if volume["operation_id"] is not None or snapshots.of_volume(conn, volume_id):
        return []
    if volumes.being_made_from(conn, "source_volid", volume_id):
        return []
    if volume["status"] not in states.VOLUME["volume.delete"].before:
        return []
    if not volume["host"]:
        _forget(conn, volume, now)
        return []
    row = _deletion(conn, operation, volume, now)
    return [row] if row["state"] == Op.PENDING else []


def _give_up(
    conn: Connection, operation: Row, volume: Row, now: datetime.datetime
) -> list[Row]:
    """A worker that has begun undoes it at its next step; the deletion waits for it."""
    making = volume["operation_id"]
    unstarted = journal.move(
        conn,
        making,
        [Op.PENDING],
        {
            "state": Op.CANCELLED,
            "reason": "The server that the volume was made for is deleted.",
            "finished_at": now,
            "updated_at": now,
        },
    )
    if unstarted and not volume["host"]:
        _forget(conn, volume, now)
        return []
    if unstarted:
        return [_deletion(conn, operation, volume, now)]
    journal.request_cancel(conn, making)
    _deletion(conn, operation, volume, now, state=Op.WAITING, waits_for=making)
    return []


def _deletion(
    conn: Connection, operation: Row, volume: Row, now: datetime.datetime, **more: Any
) -> Row:
    about = {
        "resource_type": "volume",
        "resource_id": volume["id"],
        "project_id": volume["project_id"],
        "topic": "volume",
        "host": volume_pools.split(volume["host"])[0],
        **more,
    }
    row = journal.follow_up(operation, "volume.delete", about, now)
    volumes.update(
        conn,
        volume["id"],
        {
            "status": Vol.DELETING, "previous_status": volume["status"],
            "operation_id": row["id"], "updated_at": now,
        },
    )
    journal.insert(conn, row)
    return row


def _forget(conn: Connection, volume: Row, now: datetime.datetime) -> None:
    """It never came to a backend."""
    volumes.update(
        conn,
        volume["id"],
        {
            "status": Vol.DELETED, "operation_id": None, "deleted_at": now,
            "terminated_at": now, "updated_at": now,
        },
    )
