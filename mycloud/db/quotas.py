"""Limits of projects and classes, what is used, and the lock under which both are compared.

Nothing is reserved and no usage is stored: what is used is counted.
"""

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
)

#: The class whose limits hold for every project that has none of its own.
DEFAULT_CLASS = "default"


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


def limits(conn: Connection, project_id: str | None) -> dict[str, int]:
    """The limits that somebody has set: the class's, and over them the project's."""
    classes = sa.select(
        sa.literal(0).label("strength"), quota_classes.c.resource, quota_classes.c.hard_limit
    ).where(quota_classes.c.class_name == DEFAULT_CLASS)
    own = sa.select(sa.literal(1).label("strength"), quotas.c.resource, quotas.c.hard_limit).where(
        quotas.c.project_id == project_id
    )
    rows = conn.execute(sa.union_all(classes, own).order_by("strength"))
    return {row.resource: row.hard_limit for row in rows}


def class_limits(conn: Connection, class_name: str) -> dict[str, int]:
    """The limits that a class sets."""
    query = sa.select(quota_classes).where(quota_classes.c.class_name == class_name)
    return {row.resource: row.hard_limit for row in conn.execute(query)}


def set_limits(conn: Connection, project_id: str, wanted: dict[str, int]) -> None:
    if not wanted:
        return
    conn.execute(
        sa.delete(quotas).where(
            quotas.c.project_id == project_id, quotas.c.resource.in_(wanted)
        )
    )
    conn.execute(
        sa.insert(quotas),
        [
            {"project_id": project_id, "resource": name, "hard_limit": limit}
            for name, limit in wanted.items()
        ],
    )


def set_class_limits(conn: Connection, class_name: str, wanted: dict[str, int]) -> None:
    if not wanted:
        return
    conn.execute(
        sa.delete(quota_classes).where(
            quota_classes.c.class_name == class_name, quota_classes.c.resource.in_(wanted)
        )
    )
    conn.execute(
        sa.insert(quota_classes),
        [
            {"class_name": class_name, "resource": name, "hard_limit": limit}
            for name, limit in wanted.items()
        ],
    )


def forget(conn: Connection, project_id: str) -> None:
    """Back to the class's limits."""
    conn.execute(sa.delete(quotas).where(quotas.c.project_id == project_id))


def servers_used(conn: Connection, project_id: str | None) -> dict[str, int]:
    """instances, cores and ram (MiB) of a project's live servers."""
    query = sa.select(
        sa.func.count(),
        sa.func.coalesce(sa.func.sum(servers.c.vcpus), 0),
        sa.func.coalesce(sa.func.sum(servers.c.memory_mb), 0),
    ).where(servers.c.project_id == project_id, servers.c.deleted_at.is_(None))
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
