"""Rows that are deleted by a mark: reading and changing those that live."""

import functools
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
    wanted = {"row_id": row_id}
    if project_id is not None:
        wanted["owner"] = project_id
    query = _one(table, deleted=deleted, scoped=project_id is not None)
    return conn.execute(query, wanted).mappings().first()


@functools.cache
def _one(table: sa.Table, *, deleted: bool, scoped: bool) -> sa.Select[Any]:
    """The statement of one row; made once, since making it takes as long as running it."""
    query = sa.select(table).where(table.c.id == sa.bindparam("row_id"))
    if not deleted:
        query = query.where(table.c.deleted_at.is_(None))
    if scoped:
        query = query.where(table.c.project_id == sa.bindparam("owner"))
    return query


def take_turn(conn: Connection, table: sa.Table, row_id: str) -> None:
    """Wait until whoever else changes a row has ended, so that what is read of it and about it is
    all there is; until this transaction ends, others wait.

    SQLite has one writer at a time anyway.
    """
    if conn.dialect.name != "sqlite":
        conn.execute(sa.select(table.c.id).where(table.c.id == row_id).with_for_update())


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
