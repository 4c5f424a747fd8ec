"""Rows that are deleted by a mark: reading and changing those that live."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

Row = Mapping[str, Any]


def get(
    conn: Connection, table: sa.Table, row_id: str, *, project_id: str | None = None,
    deleted: bool = False,
) -> Row | None:
    """One row, of that project only if one is given; also a deleted one with ``deleted``."""
    query = sa.select(table).where(table.c.id == row_id)
    if not deleted:
        query = query.where(table.c.deleted_at.is_(None))
    if project_id is not None:
        query = query.where(table.c.project_id == project_id)
    return conn.execute(query).mappings().first()


def update(
    conn: Connection, table: sa.Table, row_id: str, changes: dict[str, Any],
    expected: Mapping[str, Any],
) -> bool:
    """Change a live row if its columns still have the ``expected`` values (one, or any of
    several); False if they have not."""
    statement = sa.update(table).where(table.c.id == row_id, table.c.deleted_at.is_(None))
    for name, value in expected.items():
        column = table.c[name]
        if isinstance(value, (list, tuple, set, frozenset)):
            statement = statement.where(column.in_(sorted(value)))
        else:
            # == None becomes IS NULL
            statement = statement.where(column == value)
    return bool(conn.execute(statement.values(**changes)).rowcount)
