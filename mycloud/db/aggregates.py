"""Host aggregates: named groups of hosts, with metadata and maybe an availability zone.

An aggregate here is a dict of its columns with one more key: ``hosts`` (sorted names).
"""

from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.db.models import aggregate_hosts, aggregates, services

Aggregate = dict[str, Any]


def every(conn: Connection) -> list[Aggregate]:
    """All aggregates by id; two statements."""
    rows = conn.execute(sa.select(aggregates).order_by(aggregates.c.id)).mappings()
    found = {row["id"]: {**row, "hosts": []} for row in rows}
    members = sa.select(aggregate_hosts).order_by(aggregate_hosts.c.host)
    for row in conn.execute(members).mappings():
        found[row["aggregate_id"]]["hosts"].append(row["host"])
    return list(found.values())


def metadata_by_host(conn: Connection) -> dict[str, dict[str, list[str]]]:
    """host -> key -> values, of all aggregates that the host is in; one statement."""
    query = sa.select(aggregate_hosts.c.host, aggregates.c.metadata).join(
        aggregates, aggregates.c.id == aggregate_hosts.c.aggregate_id
    )
    found: dict[str, dict[str, list[str]]] = {}
    for host, metadata in conn.execute(query):
        for key, value in (metadata or {}).items():
            found.setdefault(host, {}).setdefault(key, []).append(value)
    return found


def get(conn: Connection, aggregate_id: int, *, lock: bool = False) -> Aggregate:
    """``lock``: nobody else changes it until the transaction ends.

    :raises AggregateNotFound:
    """
    query = sa.select(aggregates).where(aggregates.c.id == aggregate_id)
    row = conn.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise exceptions.AggregateNotFound(aggregate_id=aggregate_id)
    members = sa.select(aggregate_hosts.c.host).where(
        aggregate_hosts.c.aggregate_id == aggregate_id
    )
    hosts = conn.execute(members.order_by(aggregate_hosts.c.host)).scalars()
    return {**row, "hosts": list(hosts)}


def insert(conn: Connection, values: dict[str, Any]) -> Aggregate:
    """A new aggregate; ``values``: name, availability_zone, metadata.

    :raises AggregateExists: when the name is taken
    """
    uuid = clock.new_id()
    statement = sa.insert(aggregates).values(uuid=uuid, created_at=clock.now(), **values)
    try:
        with conn.begin_nested():
            conn.execute(statement)
    except db_exc.DBDuplicateEntry as error:
        raise exceptions.AggregateExists(name=values["name"]) from error
    query = sa.select(aggregates.c.id).where(aggregates.c.uuid == uuid)
    return get(conn, conn.execute(query).scalar_one())


def update(conn: Connection, aggregate_id: int, changes: dict[str, Any]) -> None:
    """:raises AggregateExists: when the new name is taken"""
    statement = (
        sa.update(aggregates)
        .where(aggregates.c.id == aggregate_id)
        .values(updated_at=clock.now(), **changes)
    )
    try:
        with conn.begin_nested():
            conn.execute(statement)
    except db_exc.DBDuplicateEntry as error:
        raise exceptions.AggregateExists(name=changes.get("name")) from error


def delete(conn: Connection, aggregate_id: int) -> None:
    conn.execute(sa.delete(aggregates).where(aggregates.c.id == aggregate_id))


def add_host(conn: Connection, aggregate_id: int, host: str) -> None:
    conn.execute(sa.insert(aggregate_hosts).values(aggregate_id=aggregate_id, host=host))


def remove_host(conn: Connection, aggregate_id: int, host: str) -> None:
    conn.execute(
        sa.delete(aggregate_hosts).where(
            aggregate_hosts.c.aggregate_id == aggregate_id, aggregate_hosts.c.host == host
        )
    )


def forget_host(conn: Connection, host: str) -> None:
    """Take a host out of all aggregates."""
    conn.execute(sa.delete(aggregate_hosts).where(aggregate_hosts.c.host == host))


def zones_of(conn: Connection, host: str) -> dict[int, str]:
    """aggregate -> its availability zone, of those aggregates of a host that have one."""
    query = (
        sa.select(aggregates.c.id, aggregates.c.availability_zone)
        .join(aggregate_hosts, aggregate_hosts.c.aggregate_id == aggregates.c.id)
        .where(aggregate_hosts.c.host == host, aggregates.c.availability_zone.is_not(None))
    )
    return {row.id: row.availability_zone for row in conn.execute(query)}


def set_zone(conn: Connection, host: str, zone: str) -> None:
    """The compute service of the host is in that zone from now on."""
    conn.execute(
        sa.update(services)
        .where(services.c.topic == "compute", services.c.host == host)
        .values(availability_zone=zone)
    )
