"""The disks of servers that are volumes, or that their flavor does not name."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db.models import block_devices

Row = Mapping[str, Any]


def insert(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """New devices; all rows have the same columns."""
    if rows:
        conn.execute(sa.insert(block_devices), list(rows))


def of_servers(conn: Connection, server_ids: Sequence[str]) -> dict[str, list[Row]]:
    """The live devices, by server, in the order in which they were made."""
    query = (
        sa.select(block_devices)
        .where(
            block_devices.c.server_id.in_(server_ids), block_devices.c.deleted_at.is_(None)
        )
        .order_by(block_devices.c.created_at, block_devices.c.id)
    )
    found: dict[str, list[Row]] = {server_id: [] for server_id in server_ids}
    for row in conn.execute(query).mappings():
        found[row["server_id"]].append(row)
    return found


def of_volume(conn: Connection, server_id: str, volume_id: str) -> Row | None:
    """The live device of a server that is this volume; None if there is none."""
    query = sa.select(block_devices).where(
        block_devices.c.server_id == server_id,
        block_devices.c.volume_id == volume_id,
        block_devices.c.deleted_at.is_(None),
    )
    return conn.execute(query).mappings().first()


def of_attachment(conn: Connection, attachment_id: str) -> Row:
    """The device of an attachment, also once it is gone.

    :raises AttachmentNotFound:
    """
    query = sa.select(block_devices).where(block_devices.c.attachment_id == attachment_id)
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.AttachmentNotFound(attachment_id=attachment_id)
    return row


def live_of_attachment(conn: Connection, attachment_id: str) -> Row | None:
    """The live device that is had through an attachment; None: no server has it as a disk."""
    query = sa.select(block_devices).where(
        block_devices.c.attachment_id == attachment_id, block_devices.c.deleted_at.is_(None)
    )
    return conn.execute(query).mappings().first()


def update(conn: Connection, device_id: str, changes: dict[str, Any]) -> None:
    conn.execute(
        sa.update(block_devices).where(block_devices.c.id == device_id).values(**changes)
    )


def forget(
    conn: Connection, now: datetime.datetime, **which: str
) -> None:
    """Mark the live devices as gone whose columns have these values."""
    conn.execute(
        sa.update(block_devices)
        .where(
            block_devices.c.deleted_at.is_(None),
            *(block_devices.c[name] == value for name, value in which.items()),
        )
        .values(deleted_at=now, updated_at=now)
    )
