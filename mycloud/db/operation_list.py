"""Lists of operations: filtered and paged by the database, in one statement and one more for a
marker."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db import paging
from mycloud.db.models import operations as ops
from mycloud.db.models import servers

Row = Mapping[str, Any]

#: What is too large for a list, or nobody's business.
_HIDDEN = frozenset({"payload", "alternates", "idempotency_key", "idempotency_digest"})
_COLUMNS = tuple(column for column in ops.c if column.name not in _HIDDEN)


@dataclass
class Wanted:
    """A page. ``same``: column -> value. ``marker``: the value of ``marker_column`` in the last
    operation of the page before."""

    same: dict[str, Any] = field(default_factory=dict)
    changed_since: datetime.datetime | None = None
    marker: str | None = None
    marker_column: str = "id"
    newest_first: bool = True
    limit: int = 1000


def page(conn: Connection, wanted: Wanted) -> list[Row]:
    """The operations that match, in the order in which they were asked for.

    :raises UnknownMarker: when the marker is none of the operations that match
    """
    conditions = [ops.c[name] == value for name, value in wanted.same.items()]
    marked: Row = {"created_at": None, "id": None}
    if wanted.marker is not None:
        query = sa.select(ops.c.created_at, ops.c.id).where(
            ops.c[wanted.marker_column] == wanted.marker, *conditions
        )
        found = conn.execute(query).mappings().first()
        if found is None:
            raise exceptions.UnknownMarker(marker=wanted.marker)
        marked = found
    if wanted.changed_since is not None:
        changed = sa.func.coalesce(ops.c.updated_at, ops.c.created_at)
        conditions.append(changed >= wanted.changed_since)
    keys = [
        (ops.c[name], marked[name], not wanted.newest_first) for name in ("created_at", "id")
    ]
    query = paging.after(
        sa.select(*_COLUMNS).where(*conditions), keys, marked=wanted.marker is not None
    )
    return list(conn.execute(query.limit(wanted.limit)).mappings())


def about(conn: Connection, name: str, *, project_id: str | None) -> list[Row]:
    """The operations that an id stands for, oldest first: those on the server of that id, the
    operation of that id, or those of the request of that id. Of that project only, if one is
    given; none if the id stands for nothing there.
    """
    for column in (ops.c.resource_id, ops.c.id, ops.c.request_id):
        query = sa.select(*_COLUMNS).where(column == name)
        if project_id is not None:
            query = query.where(ops.c.project_id == project_id)
        rows = list(conn.execute(query.order_by(ops.c.created_at, ops.c.id)).mappings())
        if rows:
            return rows
    return []


def resource(conn: Connection, row: Row) -> Row | None:
    """What an operation was about, also when it is gone; None if it is no server."""
    query = sa.select(
        servers.c.id, servers.c.name, servers.c.vm_state, servers.c.task_state,
        servers.c.project_id,
    ).where(servers.c.id == row["resource_id"])
    return conn.execute(query).mappings().first()
