"""Transfers of volumes from one project to another."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db import filtered, live
from mycloud.db.filtered import nullable
from mycloud.db.models import volume_transfers as transfers

Row = Mapping[str, Any]

#: What a list may be sorted by.
SORT: dict[str, Any] = {
    "id": transfers.c.id,
    "name": nullable(transfers.c.name, ""),
    "display_name": nullable(transfers.c.name, ""),
    "volume_id": transfers.c.volume_id,
    "created_at": transfers.c.created_at,
    "updated_at": nullable(transfers.c.updated_at, transfers.c.created_at),
}


def select() -> sa.Select[Any]:
    """Live transfers."""
    return sa.select(transfers).where(transfers.c.deleted_at.is_(None))


NOUN = filtered.Noun(
    transfers, select, SORT, lambda marker: exceptions.TransferNotFound(transfer_id=marker),
    owner="source_project_id",
)


def insert(conn: Connection, row: dict[str, Any]) -> None:
    conn.execute(sa.insert(transfers).values(**row))


def get(conn: Connection, transfer_id: str, *, project_id: str | None) -> Row:
    """A live transfer; of a volume of that project only, if one is given.

    :raises TransferNotFound:
    """
    row = live.get(conn, transfers, transfer_id)
    if row is None or (project_id is not None and row["source_project_id"] != project_id):
        raise exceptions.TransferNotFound(transfer_id=transfer_id)
    return row


def update(
    conn: Connection, transfer_id: str, changes: dict[str, Any], **expected: Any
) -> bool:
    """Change a live transfer if its columns still have the ``expected`` values."""
    return live.update(conn, transfers, transfer_id, changes, expected)
