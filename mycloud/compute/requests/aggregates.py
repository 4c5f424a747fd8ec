"""Grouping hosts.

The availability zone of an aggregate is its hosts' zone, and a host is in one zone at most.
"""

from typing import Any

from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db import aggregates, engine, hypervisors, services
from mycloud.db.aggregates import Aggregate

#: The item of the metadata that is the zone under another name.
ZONE = "availability_zone"


@engine.retried
def create(name: str, zone: str | None) -> Aggregate:
    """:raises AggregateExists:"""
    with engine.writer() as conn:
        return aggregates.insert(
            conn, {"name": name, "availability_zone": zone, "metadata": {}}
        )


@engine.retried
def update(aggregate_id: int, changes: dict[str, Any]) -> Aggregate:
    """Change name and availability_zone.

    :raises AggregateNotFound: :raises AggregateExists:
    :raises Conflict: for another zone while a host has servers, or is in a third zone
    """
    with engine.writer() as conn:
        aggregate = aggregates.get(conn, aggregate_id, lock=True)
        _change(conn, aggregate, changes)
        return aggregates.get(conn, aggregate_id)


def _change(conn: Connection, aggregate: Aggregate, changes: dict[str, Any]) -> None:
    zone = changes.get("availability_zone", aggregate["availability_zone"])
    aggregates.update(conn, aggregate["id"], changes)
    if zone != aggregate["availability_zone"]:
        for host in aggregate["hosts"]:
            _move(conn, aggregate["id"], host, zone)


def _move(conn: Connection, aggregate_id: int, host: str, zone: str | None) -> None:
    """:raises Conflict: when another aggregate has the host in another zone, or its servers
    would change their zone
    """
    others = {
        other
        for number, other in aggregates.zones_of(conn, host).items()
        if number != aggregate_id
    }
    if zone is None:
        zone = next(iter(others), cfg.CONF.default_availability_zone)
    elif others - {zone}:
        raise exceptions.Conflict(
            f"Host {host} is in availability zone {', '.join(sorted(others))} already, by "
            "another aggregate."
        )
    if zone != _zone_now(conn, host):
        if hypervisors.servers_of(conn, [host]):
            raise exceptions.Conflict(
                f"Host {host} has servers, whose availability zone can't change."
            )
        aggregates.set_zone(conn, host, zone)


def _zone_now(conn: Connection, host: str) -> str | None:
    return next(
        (row["availability_zone"] for row in services.every(conn, host=host)
         if row["topic"] == "compute"),
        None,
    )


@engine.retried
def delete(aggregate_id: int) -> None:
    """:raises AggregateNotFound: :raises AggregateInUse: while it has hosts"""
    with engine.writer() as conn:
        if aggregates.get(conn, aggregate_id, lock=True)["hosts"]:
            raise exceptions.AggregateInUse(aggregate_id=aggregate_id)
        aggregates.delete(conn, aggregate_id)


@engine.retried
def add_host(aggregate_id: int, host: str) -> Aggregate:
    """:raises AggregateNotFound: :raises HostNotFound: :raises AggregateHostExists:
    :raises Conflict: as ``update`` does
    """
    with engine.writer() as conn:
        aggregate = aggregates.get(conn, aggregate_id, lock=True)
        if not any(row["topic"] == "compute" for row in services.every(conn, host=host)):
            raise exceptions.HostNotFound(host=host)
        if host in aggregate["hosts"]:
            raise exceptions.AggregateHostExists(aggregate_id=aggregate_id, host=host)
        if aggregate["availability_zone"] is not None:
            _move(conn, aggregate_id, host, aggregate["availability_zone"])
        aggregates.add_host(conn, aggregate_id, host)
        return aggregates.get(conn, aggregate_id)


@engine.retried
def remove_host(aggregate_id: int, host: str) -> Aggregate:
    """:raises AggregateNotFound: :raises AggregateHostNotFound:
    :raises Conflict: as ``update`` does
    """
    with engine.writer() as conn:
        aggregate = aggregates.get(conn, aggregate_id, lock=True)
        if host not in aggregate["hosts"]:
            raise exceptions.AggregateHostNotFound(aggregate_id=aggregate_id, host=host)
        if aggregate["availability_zone"] is not None:
            _move(conn, aggregate_id, host, None)
        aggregates.remove_host(conn, aggregate_id, host)
        return aggregates.get(conn, aggregate_id)


@engine.retried
def set_metadata(aggregate_id: int, items: dict[str, str | None]) -> Aggregate:
    """Add or change these items; those that are None go. The item availability_zone is the
    aggregate's zone.

    :raises AggregateNotFound: :raises Conflict: as ``update`` does
    """
    with engine.writer() as conn:
        aggregate = aggregates.get(conn, aggregate_id, lock=True)
        merged = {**aggregate["metadata"], **items}
        changes: dict[str, Any] = {
            "metadata": {
                name: value
                for name, value in merged.items()
                if value is not None and name != ZONE
            }
        }
        if ZONE in items:
            changes["availability_zone"] = items[ZONE]
        _change(conn, aggregate, changes)
        return aggregates.get(conn, aggregate_id)
