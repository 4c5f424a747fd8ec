"""Server groups: their members are the live servers that name them."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.db.models import server_groups, servers

Row = Mapping[str, Any]


def get(
    conn: Connection, group_id: str, *, project_id: str | None = None
) -> Row:
    """One group; of that project only, if one is given.

    :raises ServerGroupNotFound: also for another project's group
    """
    query = sa.select(server_groups).where(server_groups.c.id == group_id)
    if project_id is not None:
        query = query.where(server_groups.c.project_id == project_id)
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.ServerGroupNotFound(group_id=group_id)
    return row


def every(
    conn: Connection, *, project_id: str | None, offset: int = 0, limit: int | None = None
) -> list[Row]:
    """The groups of a project (None: of all), oldest first."""
    query = sa.select(server_groups).order_by(server_groups.c.created_at, server_groups.c.id)
    if project_id is not None:
        query = query.where(server_groups.c.project_id == project_id)
    if limit is not None:
        query = query.limit(limit)
    if offset:
        query = query.offset(offset)
    return list(conn.execute(query).mappings())


def members(conn: Connection, group_ids: list[str]) -> dict[str, list[str]]:
    """The ids of the live servers in each group, oldest first."""
    found: dict[str, list[str]] = {group_id: [] for group_id in group_ids}
    query = (
        sa.select(servers.c.id, servers.c.server_group_id)
        .where(servers.c.server_group_id.in_(group_ids), servers.c.deleted_at.is_(None))
        .order_by(servers.c.created_at, servers.c.id)
    )
    for row in conn.execute(query).mappings():
        found[row["server_group_id"]].append(row["id"])
    return found


def insert(conn: Connection, values: dict[str, Any]) -> Row:
    """A new group; ``values``: project_id, user_id, name, policy, rules."""
    group_id = clock.new_id()
    conn.execute(
        sa.insert(server_groups).values(id=group_id, created_at=clock.now(), **values)
    )
    return get(conn, group_id)


def delete(conn: Connection, group_id: str) -> None:
    """The members stay, in no group."""
    conn.execute(
        sa.update(servers)
        .where(servers.c.server_group_id == group_id)
        .values(server_group_id=None)
    )
    conn.execute(sa.delete(server_groups).where(server_groups.c.id == group_id))
