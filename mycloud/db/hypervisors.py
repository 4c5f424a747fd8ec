"""Compute hosts as operators list them, with their service and their servers."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db.models import allocations, hosts, servers, services

Row = Mapping[str, Any]

_SERVICE = ("disabled", "disabled_reason", "forced_down", "last_seen_at")


def _query() -> sa.Select[Any]:
    return sa.select(
        hosts,
        services.c.id.label("service_id"),
        *(services.c[name].label(f"service_{name}") for name in _SERVICE),
    ).join(
        services, sa.and_(services.c.host == hosts.c.host, services.c.topic == "compute")
    )


def every(
    conn: Connection,
    *,
    pattern: str | None = None,
    marker: str | None = None,
    limit: int | None = None,
) -> list[Row]:
    """The hosts by id, with their service's columns as service_*; those whose hypervisor's name
    holds ``pattern``, those after the id ``marker``."""
    query = _query().order_by(hosts.c.id)
    if pattern is not None:
        query = query.where(hosts.c.hypervisor_hostname.contains(pattern, autoescape=True))
    if marker is not None:
        query = query.where(hosts.c.id > marker)
    if limit is not None:
        query = query.limit(limit)
    return list(conn.execute(query).mappings())


def get(conn: Connection, host_id: str) -> Row:
    """:raises HostNotFound:"""
    row = conn.execute(_query().where(hosts.c.id == host_id)).mappings().first()
    if row is None:
        raise exceptions.HostNotFound(host=host_id)
    return row


def named(conn: Connection, name: str) -> Row:
    """The host of that name, else of that id, else whose hypervisor has that name.

    :raises HostNotFound:
    """
    columns = (hosts.c.host, hosts.c.id, hosts.c.hypervisor_hostname)
    query = _query().where(sa.or_(*(column == name for column in columns)))
    rows = list(conn.execute(query).mappings())
    for column in columns:
        for row in rows:
            if row[column.name] == name:
                return row
    raise exceptions.HostNotFound(host=name)


def servers_of(conn: Connection, names: list[str]) -> dict[str, list[Row]]:
    """host -> its live servers (id, name), for hosts that have any."""
    query = (
        sa.select(servers.c.id, servers.c.name, servers.c.host)
        .where(servers.c.host.in_(names), servers.c.deleted_at.is_(None))
        .order_by(servers.c.id)
    )
    found: dict[str, list[Row]] = {}
    for row in conn.execute(query).mappings():
        found.setdefault(row["host"], []).append(row)
    return found


def workloads(conn: Connection, names: list[str]) -> dict[str, int]:
    """host -> how many of its servers something is being done to, where there are any."""
    query = (
        sa.select(servers.c.host, sa.func.count())
        .where(
            servers.c.host.in_(names),
            servers.c.deleted_at.is_(None),
            servers.c.task_state.is_not(None),
        )
        .group_by(servers.c.host)
    )
    return {host: int(count) for host, count in conn.execute(query)}


def delete(conn: Connection, name: str) -> None:
    """Forget a host and what is claimed on it."""
    ids = sa.select(hosts.c.id).where(hosts.c.host == name)
    conn.execute(sa.delete(allocations).where(allocations.c.host_id.in_(ids)))
    conn.execute(sa.delete(hosts).where(hosts.c.host == name))
