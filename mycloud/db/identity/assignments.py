"""Who has which role where."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.db.identity import rows
from mycloud.db.identity.rows import Row
from mycloud.db.models import role_assignments


def add(conn: Connection, values: dict[str, Any]) -> None:
    """Make an assignment unless it is there already."""
    keys = {name: value for name, value in values.items() if name != "actor_type"}
    if rows.find(conn, role_assignments, **keys) is None:
        conn.execute(sa.insert(role_assignments).values(**values))


def drop(conn: Connection, **equal: Any) -> int:
    """Remove all assignments that are equal in all of ``equal``; how many there were."""
    return rows.delete(conn, role_assignments, **equal)


def matching(conn: Connection, **equal: Any) -> list[Row]:
    query = sa.select(role_assignments).where(
        *(role_assignments.c[name] == value for name, value in equal.items())
    )
    return list(conn.execute(query).mappings())
