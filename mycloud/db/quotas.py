"""Limits of projects and classes, what is used, and the lock under which both are compared.

Nothing is reserved and no usage is stored: what is used is counted.

Services keep their limits apart by a ``space``, a word in front of a resource's name in the
tables; compute's is the empty one.
"""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.db.models import (
    keypairs,
    project_locks,
    quota_classes,
    quotas,
    server_groups,
    servers,
    user_quotas,
)

#: The class whose limits hold for every project that has none of its own.
DEFAULT_CLASS = "default"

#: resource -> its limit
Limits = dict[str, int]

_CLASS, _PROJECT, _USER = 0, 1, 2


def lock(conn: Connection, owner_id: str) -> None:
    """Hold a project's (or a user's) lock until the transaction ends.

    SQLite has one writer at a time anyway.
    """
    if conn.dialect.name == "sqlite":
        return
    query = sa.select(project_locks).where(project_locks.c.project_id == owner_id)
    if conn.execute(query.with_for_update()).first() is not None:
        return
    try:
        with conn.begin_nested():
            conn.execute(sa.insert(project_locks).values(project_id=owner_id))
    except db_exc.DBDuplicateEntry:
        # another transaction made the row and is through by now; the row made here is locked
        conn.execute(query.with_for_update()).first()


def limits(
    conn: Connection, project_id: str | None, user_id: str | None = None, *, space: str = ""
) -> tuple[Limits, Limits]:
    """The limits that somebody has set: those of the project (over the class's), and those of
    the user within it; one statement."""
    query = sa.union_all(
        _select(quota_classes, _CLASS, space).where(
            quota_classes.c.class_name == DEFAULT_CLASS
        ),
        _select(quotas, _PROJECT, space).where(quotas.c.project_id == project_id),
        _select(user_quotas, _USER, space).where(
            user_quotas.c.project_id == project_id, user_quotas.c.user_id == user_id
        ),
    ).order_by("strength")
    shared: Limits = {}
    own: Limits = {}
    for row in conn.execute(query):
        (own if row.strength == _USER else shared)[_plain(row.resource)] = row.hard_limit
    return shared, own


def _select(table: sa.Table, strength: int, space: str) -> sa.Select[Any]:
    return sa.select(
        sa.literal(strength).label("strength"), table.c.resource, table.c.hard_limit
    ).where(_inside(table, space))


def _inside(table: sa.Table, space: str) -> sa.ColumnElement[bool]:
    if space:
        return table.c.resource.startswith(f"{space}:", autoescape=True)
    return table.c.resource.not_like("%:%")


def _plain(stored: str) -> str:
    return stored.rpartition(":")[2]


def _stored(resource: str, space: str) -> str:
    return f"{space}:{resource}" if space else resource


def class_limits(conn: Connection, class_name: str, *, space: str = "") -> dict[str, int]:
    """The limits that a class sets."""
    query = sa.select(quota_classes).where(
        quota_classes.c.class_name == class_name, _inside(quota_classes, space)
    )
    return {_plain(row.resource): row.hard_limit for row in conn.execute(query)}


def set_limits(
    conn: Connection,
    project_id: str,
    wanted: Limits,
    *,
    user_id: str | None = None,
    space: str = "",
) -> None:
    """Set limits of a project, or of a user within it."""
    stored = {_stored(name, space): limit for name, limit in wanted.items()}
    if user_id is None:
        _replace(conn, quotas, {"project_id": project_id}, stored)
    else:
        _replace(conn, user_quotas, {"project_id": project_id, "user_id": user_id}, stored)


def set_class_limits(
    conn: Connection, class_name: str, wanted: Limits, *, space: str = ""
) -> None:
    stored = {_stored(name, space): limit for name, limit in wanted.items()}
    _replace(conn, quota_classes, {"class_name": class_name}, stored)


def _replace(conn: Connection, table: sa.Table, owner: dict[str, str], wanted: Limits) -> None:
    if not wanted:
        return
    mine = [table.c[name] == value for name, value in owner.items()]
    conn.execute(sa.delete(table).where(*mine, table.c.resource.in_(wanted)))
    conn.execute(
        sa.insert(table),
        [{**owner, "resource": name, "hard_limit": limit} for name, limit in wanted.items()],
    )


def forget(
    conn: Connection, project_id: str, *, user_id: str | None = None, space: str = ""
) -> None:
    """Take away the limits of a user, or those of a project and all its users."""
    mine = sa.and_(user_quotas.c.project_id == project_id, _inside(user_quotas, space))
    if user_id is None:
        conn.execute(
            sa.delete(quotas).where(quotas.c.project_id == project_id, _inside(quotas, space))
        )
        conn.execute(sa.delete(user_quotas).where(mine))
    else:
        conn.execute(sa.delete(user_quotas).where(mine, user_quotas.c.user_id == user_id))


def forget_resources(conn: Connection, resources: Collection[str], *, space: str = "") -> None:
    """Take away everybody's limits of resources that are no more."""
    stored = [_stored(name, space) for name in resources]
    for table in (quotas, user_quotas, quota_classes):
        conn.execute(sa.delete(table).where(table.c.resource.in_(stored)))


def servers_used(
    conn: Connection, project_id: str | None, *, user_id: str | None = None
) -> dict[str, int]:
    """instances, cores and ram (MiB) of the live servers of a project, or of one user there."""
    query = sa.select(
        sa.func.count(),
        sa.func.coalesce(sa.func.sum(servers.c.vcpus), 0),
        sa.func.coalesce(sa.func.sum(servers.c.memory_mb), 0),
    ).where(servers.c.project_id == project_id, servers.c.deleted_at.is_(None))
    if user_id is not None:
        query = query.where(servers.c.user_id == user_id)
    count, cores, ram = conn.execute(query).one()
    return {"instances": int(count), "cores": int(cores), "ram": int(ram)}


def groups_used(conn: Connection, project_id: str | None) -> int:
    query = sa.select(sa.func.count()).where(server_groups.c.project_id == project_id)
    return conn.execute(query).scalar_one()


def members_used(conn: Connection, group_id: str) -> int:
    query = sa.select(sa.func.count()).where(
        servers.c.server_group_id == group_id, servers.c.deleted_at.is_(None)
    )
    return conn.execute(query).scalar_one()


def keypairs_used(conn: Connection, user_id: str) -> int:
    query = sa.select(sa.func.count()).where(keypairs.c.user_id == user_id)
    return conn.execute(query).scalar_one()
