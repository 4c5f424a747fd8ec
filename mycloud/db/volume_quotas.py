"""What a project has of volumes, snapshots and backups; see quotas for the limits."""

import functools
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.db.models import backups, volume_snapshots, volumes

#: The words in front of volumes' limits in the tables of limits.
SPACE = "volume"

_TABLES = {"volumes": volumes, "snapshots": volume_snapshots, "backups": backups}


@dataclass(frozen=True)
class Used:
    """Things of one kind and volume type: how many, and their GiB.

    ``kind``: volumes, snapshots or backups.
    """

    kind: str
    type_id: str | None
    count: int
    size_gb: int


def used(conn: Connection, project_id: str | None) -> list[Used]:
    """What there is and is not deleted, whatever its state; one statement."""
    return [
        Used(row.kind, row.volume_type_id, int(row.count_of), int(row.size_of))
        for row in conn.execute(_query(), {"project": project_id})
    ]


@functools.cache
def _query() -> sa.CompoundSelect[tuple[object, ...]]:
    """Made once, since making it takes as long as running it."""
    return sa.union_all(*(_counted(kind, table) for kind, table in _TABLES.items()))


def _counted(kind: str, table: sa.Table) -> sa.Select[tuple[object, ...]]:
    size: sa.ColumnElement[int] = table.c.size_gb
    if table is volumes:
        # what is being extended counts with its new size
        size = sa.func.coalesce(volumes.c.grows_to_gb, size)
    return (
        sa.select(
            sa.literal(kind).label("kind"),
            table.c.volume_type_id,
            sa.func.count().label("count_of"),
            sa.func.coalesce(sa.func.sum(size), 0).label("size_of"),
        )
        .where(table.c.project_id == sa.bindparam("project"), table.c.deleted_at.is_(None))
        .group_by(table.c.volume_type_id)
    )
