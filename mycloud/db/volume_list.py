"""Volumes with what a view shows of them."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db.models import volume_types, volumes

Row = Mapping[str, Any]


def select() -> sa.Select[Any]:
    """Live volumes with the name of their type as ``type_name``."""
    return (
        sa.select(volumes, volume_types.c.name.label("type_name"))
        .outerjoin(volume_types, volume_types.c.id == volumes.c.volume_type_id)
        .where(volumes.c.deleted_at.is_(None))
    )


def get(conn: Connection, volume_id: str, *, project_id: str | None) -> Row:
    """One live volume; of that project only, if one is given.

    :raises VolumeNotFound: also for another project's
    """
    query = select().where(volumes.c.id == volume_id)
    if project_id is not None:
        query = query.where(volumes.c.project_id == project_id)
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    return row
