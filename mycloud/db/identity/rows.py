"""What all nouns of identity have in common: one row by id, pages of rows, changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """Which rows of a table: those equal in all of ``filters``, after the row ``marker``."""

    filters: Mapping[str, Any] = field(default_factory=dict)
    marker: str | None = None
    limit: int | None = None


def find(conn: Connection, table: sa.Table, **equal: Any) -> Row | None:
    """The row that is equal in all of ``equal``, if there is one."""
    query = sa.select(table).where(*(table.c[name] == value for name, value in equal.items()))
    return conn.execute(query).mappings().first()


def listed(
    conn: Connection, table: sa.Table, page: Page, *conditions: sa.ColumnElement[bool]
) -> list[Row]:
    """A page of rows in the order of their ids.

    :raises UnknownMarker: when the marker is no id in the list (one that only others may see is
        none)
    """
    query = sa.select(table).order_by(table.c.id)
    for name, value in page.filters.items():
        query = query.where(table.c[name] == value)
    if conditions:
        query = query.where(*conditions)
    if page.marker is not None:
        if conn.execute(query.where(table.c.id == page.marker)).first() is None:
            raise exceptions.UnknownMarker(marker=page.marker)
        query = query.where(table.c.id > page.marker)
    if page.limit is not None:
        query = query.limit(page.limit)
    return list(conn.execute(query).mappings())


def insert(conn: Connection, table: sa.Table, values: Mapping[str, Any]) -> Row:
    """Add a row (with a new id unless it has one) and return it as it is kept."""
    whole = {"id": clock.new_hex_id(), "created_at": clock.now(), **values}
    conn.execute(sa.insert(table).values(**whole))
    row = find(conn, table, id=whole["id"])
    assert row is not None
    return row


def update(conn: Connection, table: sa.Table, row_id: str, changes: Mapping[str, Any]) -> Row:
    """Change a row that is known to exist, and return it as it is kept."""
    if changes:
        conn.execute(
            sa.update(table)
            .where(table.c.id == row_id)
            .values(updated_at=clock.now(), **changes)
        )
    row = find(conn, table, id=row_id)
    assert row is not None
    return row


def delete(conn: Connection, table: sa.Table, **equal: Any) -> int:
    """Remove the rows that are equal in all of ``equal``; returns how many there were."""
    done = conn.execute(
        sa.delete(table).where(*(table.c[name] == value for name, value in equal.items()))
    )
    return done.rowcount
