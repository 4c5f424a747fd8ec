"""Compute hosts and the claims on them.

A claim compares and swaps the host's generation in the transaction that also moves the server,
so a host is never oversold, however many schedulers run.
"""

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.states import Op
from mycloud.db import live
from mycloud.db.models import allocations, hosts, services

Row = Mapping[str, Any]

AMOUNTS = ("vcpus", "memory_mb", "disk_gb")


def upsert(conn: Connection, host: str, values: dict[str, Any], now: datetime.datetime) -> Row:
    """Record what a host has; what is used on it stays as the claims made it."""
    query = sa.select(hosts).where(hosts.c.host == host)
    row = conn.execute(query).mappings().first()
    if row is None:
        conn.execute(
            sa.insert(hosts).values(id=clock.new_id(), host=host, created_at=now, **values)
        )
    else:
        conn.execute(
            sa.update(hosts).where(hosts.c.id == row["id"]).values(updated_at=now, **values)
        )
    return conn.execute(query).mappings().one()


def get(conn: Connection, host_id: str) -> Row:
    """:raises HostNotFound:"""
    row = conn.execute(sa.select(hosts).where(hosts.c.id == host_id)).mappings().first()
    if row is None:
        raise exceptions.HostNotFound(host=host_id)
    return row


def by_name(conn: Connection, name: str) -> Row:
    """The host whose compute service has that name.

    :raises HostNotFound:
    """
    row = conn.execute(sa.select(hosts).where(hosts.c.host == name)).mappings().first()
    if row is None:
        raise exceptions.HostNotFound(host=name)
    return row


def lock(conn: Connection, host_id: str) -> None:
    """Nobody else who locks this host goes on before this transaction ends."""
    live.take_turn(conn, hosts, host_id)


def settle(
    conn: Connection, row: Row, outcome: Op, changes: dict[str, Any], now: datetime.datetime
) -> list[Row]:
    """Nothing: what an operation on a host has changed is known to the host alone."""
    return []


def every(conn: Connection) -> list[Row]:
    """All hosts with their compute service's columns (service_* and what decides its status)."""
    return list(conn.execute(_with_service()).mappings())


def get_with_service(conn: Connection, host_id: str) -> Row | None:
    """One row of ``every``; None if there is no such host or it has no service any more."""
    query = _with_service().where(hosts.c.id == host_id)
    return conn.execute(query).mappings().first()


def _with_service() -> sa.Select[Any]:
    return (
        sa.select(
            hosts,
            services.c.id.label("service_id"),
            services.c.disabled.label("service_disabled"),
            services.c.disabled_reason.label("service_disabled_reason"),
            services.c.forced_down.label("service_forced_down"),
            services.c.last_seen_at.label("service_last_seen_at"),
            services.c.availability_zone.label("availability_zone"),
        )
        .join(
            services,
            sa.and_(services.c.host == hosts.c.host, services.c.topic == "compute"),
        )
        .order_by(hosts.c.host)
    )


#: Why a service is out of service that has only been silent for too long.
SILENT = "down"


def out_of_service(row: Row, now: datetime.datetime, down_after: float) -> str | None:
    """Why the service of a row of ``every`` can't be given work; None if it can.

    ``down_after``: seconds without a sign of life after which it counts as down.
    """
    if row["service_disabled"]:
        return "disabled"
    if row["service_forced_down"]:
        return "forced down"
    seen = row["service_last_seen_at"]
    if seen is None or (now - seen).total_seconds() > down_after:
        return SILENT
    return None


def claim(conn: Connection, host: Row, server_id: str, amounts: dict[str, int]) -> bool:
    """Take vcpus, memory_mb and disk_gb on a host as it was read; False if it has changed."""
    taken = conn.execute(
        sa.update(hosts)
        .where(hosts.c.id == host["id"], hosts.c.generation == host["generation"])
        .values(
            generation=hosts.c.generation + 1,
            running_vms=hosts.c.running_vms + 1,
            **{f"{name}_used": hosts.c[f"{name}_used"] + amounts[name] for name in AMOUNTS},
        )
    )
    if not taken.rowcount:
        return False
    conn.execute(
        sa.insert(allocations).values(server_id=server_id, host_id=host["id"], **amounts)
    )
    return True


def release(conn: Connection, server_id: str) -> None:
    """Give back all that a server holds, wherever it does; nothing if it holds nothing."""
    query = sa.select(allocations).where(allocations.c.server_id == server_id)
    for row in list(conn.execute(query).mappings()):
        gone = conn.execute(
            sa.delete(allocations).where(
                allocations.c.server_id == server_id, allocations.c.host_id == row["host_id"]
            )
        )
        if gone.rowcount:
            conn.execute(
                sa.update(hosts)
                .where(hosts.c.id == row["host_id"])
                .values(
                    generation=hosts.c.generation + 1,
                    running_vms=hosts.c.running_vms - 1,
                    **{
                        f"{name}_used": hosts.c[f"{name}_used"] - row[name] for name in AMOUNTS
                    },
                )
            )
