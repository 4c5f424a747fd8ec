"""Lists of snapshots."""

from typing import Any

import sqlalchemy as sa

from mycloud.common import exceptions
from mycloud.db import filtered
from mycloud.db.filtered import nullable
from mycloud.db.models import volume_snapshots as snapshots

#: What a list may be sorted by.
SORT: dict[str, Any] = {
    "id": snapshots.c.id,
    "name": nullable(snapshots.c.name, ""),
    "display_name": nullable(snapshots.c.name, ""),
    "description": nullable(snapshots.c.description, ""),
    "status": snapshots.c.status,
    "volume_id": snapshots.c.volume_id,
    "volume_size": snapshots.c.size_gb,
    "size": snapshots.c.size_gb,
    "created_at": snapshots.c.created_at,
    "updated_at": nullable(snapshots.c.updated_at, snapshots.c.created_at),
    "project_id": snapshots.c.project_id,
    "user_id": snapshots.c.user_id,
}


def select() -> sa.Select[Any]:
    """Live snapshots."""
    return sa.select(snapshots).where(snapshots.c.deleted_at.is_(None))


NOUN = filtered.Noun(
    snapshots, select, SORT, lambda marker: exceptions.SnapshotNotFound(snapshot_id=marker)
)
