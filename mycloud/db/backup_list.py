"""Backups with what a view shows of them, filtered and paged by the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db import paging
from mycloud.db.models import backups

Row = Mapping[str, Any]

#: What a list may be sorted by: expressions that are never null.
SORT_KEYS: dict[str, sa.ColumnElement[Any]] = {
    "created_at": backups.c.created_at,
    "data_timestamp": sa.func.coalesce(backups.c.data_timestamp, backups.c.created_at),
    "id": backups.c.id,
    "name": sa.func.coalesce(backups.c.name, ""),
    "size": backups.c.size_gb,
    "status": backups.c.status,
    "updated_at": sa.func.coalesce(backups.c.updated_at, backups.c.created_at),
    "volume_id": backups.c.volume_id,
}


@dataclass
class Wanted:
    """A page. ``same``: column -> value; ``like``: column -> a part of the value; ``order``:
    (sort key, rising), the first one first."""

    same: dict[str, Any] = field(default_factory=dict)
    like: dict[str, str] = field(default_factory=dict)
    order: Sequence[tuple[str, bool]] = ()
    marker: str | None = None
    limit: int = 1000
    offset: int = 0

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        found = [backups.c[name] == value for name, value in self.same.items()]
        found += [
            backups.c[name].contains(value, autoescape=True) for name, value in self.like.items()
        ]
        return [*found, backups.c.deleted_at.is_(None)]


def select() -> sa.Select[Any]:
    """Backups, with ``has_dependants``: whether live ones are on top of it."""
    above = backups.alias()
    has_dependants = (
        sa.exists()
        .where(above.c.parent_id == backups.c.id, above.c.deleted_at.is_(None))
        .label("has_dependants")
    )
    return sa.select(backups, has_dependants)


def get(conn: Connection, backup_id: str, *, project_id: str | None) -> Row:
    """One live backup; of that project only, if one is given.

    :raises BackupNotFound: also for another project's
    """
    query = select().where(backups.c.id == backup_id, backups.c.deleted_at.is_(None))
    if project_id is not None:
        query = query.where(backups.c.project_id == project_id)
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.BackupNotFound(backup_id=backup_id)
    return row


def page(conn: Connection, wanted: Wanted) -> list[Row]:
    """The backups that match; one statement, and one more for a marker.

    :raises UnknownMarker: when the marker is none of those that match
    """
    order = list(wanted.order) or [("created_at", False)]
    if all(name != "id" for name, _ in order):
        order.append(("id", order[-1][1]))
    values: Sequence[Any] = [None] * len(order)
    if wanted.marker is not None:
        marked = sa.select(*(SORT_KEYS[name] for name, _ in order)).where(
            backups.c.id == wanted.marker, *wanted.conditions()
        )
        found = conn.execute(marked).first()
        if found is None:
            raise exceptions.UnknownMarker(marker=wanted.marker)
        values = tuple(found)
    keys = [
        (SORT_KEYS[name], value, rising)
        for (name, rising), value in zip(order, values, strict=True)
    ]
    query = paging.after(
        select().where(*wanted.conditions()), keys, marked=wanted.marker is not None
    )
    query = query.limit(wanted.limit).offset(wanted.offset)
    return list(conn.execute(query).mappings())


def count(conn: Connection, wanted: Wanted) -> int:
    """How many match on all pages."""
    query = sa.select(sa.func.count()).select_from(backups).where(*wanted.conditions())
    return conn.execute(query).scalar_one()
