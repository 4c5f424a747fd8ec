"""Volumes with what a view shows of them, and lists of them."""

import functools
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db import filtered
from mycloud.db.filtered import nullable
from mycloud.db.models import volume_types, volumes

Row = Mapping[str, Any]

#: What a list may be sorted by.
SORT: dict[str, Any] = {
    "id": volumes.c.id,
    "name": nullable(volumes.c.name, ""),
    "display_name": nullable(volumes.c.name, ""),
    "status": volumes.c.status,
    "size": volumes.c.size_gb,
    "availability_zone": nullable(volumes.c.availability_zone, ""),
    "bootable": sa.cast(volumes.c.bootable, sa.Integer),
    "created_at": volumes.c.created_at,
    "updated_at": nullable(volumes.c.updated_at, volumes.c.created_at),
    "host": nullable(volumes.c.host, ""),
    "project_id": volumes.c.project_id,
    "user_id": volumes.c.user_id,
    "volume_type_id": nullable(volumes.c.volume_type_id, ""),
}


def select() -> sa.Select[Any]:
    """Live volumes with the name of their type as ``type_name``."""
    return (
        sa.select(volumes, volume_types.c.name.label("type_name"))
        .outerjoin(volume_types, volume_types.c.id == volumes.c.volume_type_id)
        .where(volumes.c.deleted_at.is_(None))
    )


NOUN = filtered.Noun(
    volumes, select, SORT, lambda marker: exceptions.VolumeNotFound(volume_id=marker)
)


@functools.cache
def _one(*, scoped: bool) -> sa.Select[Any]:
    """The statement of one volume; made once, since making it takes as long as running it."""
    query = select().where(volumes.c.id == sa.bindparam("volume_id"))
    if scoped:
        query = query.where(volumes.c.project_id == sa.bindparam("owner"))
    return query


def get(conn: Connection, volume_id: str, *, project_id: str | None) -> Row:
    """One live volume; of that project only, if one is given.

    :raises VolumeNotFound: also for another project's
    """
    wanted = {"volume_id": volume_id}
    if project_id is not None:
        wanted["owner"] = project_id
    row = conn.execute(_one(scoped=project_id is not None), wanted).mappings().first()
    if row is None:
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    return row


def as_shown(row: Row, type_name: str | None) -> Row:
    """A row that was just written, as ``get`` would read it."""
    return {**{column.name: None for column in volumes.c}, **row, "type_name": type_name}


def totals(conn: Connection, project_id: str | None) -> tuple[int, int]:
    """How many volumes a project has, or all projects, and their GiB."""
    query = sa.select(
        sa.func.count(), sa.func.coalesce(sa.func.sum(volumes.c.size_gb), 0)
    ).where(volumes.c.deleted_at.is_(None))
    if project_id is not None:
        query = query.where(volumes.c.project_id == project_id)
    number, size = conn.execute(query).one()
    return int(number), int(size)


def metadata_of(conn: Connection, project_id: str | None) -> list[dict[str, str]]:
    """The metadata of a project's volumes, or of all projects', where there is any."""
    query = sa.select(volumes.c.metadata).where(volumes.c.deleted_at.is_(None))
    if project_id is not None:
        query = query.where(volumes.c.project_id == project_id)
    return [found for found in conn.execute(query).scalars() if found]
