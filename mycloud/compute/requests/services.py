"""Services as operators see and change them."""

import datetime
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from mycloud.common import clock, exceptions
from mycloud.db import aggregates, engine, hypervisors, services

Row = Mapping[str, Any]

COMPUTE = "compute"
#: The zone of what is no compute service.
INTERNAL_ZONE = "internal"


def is_up(row: Row, now: datetime.datetime) -> bool:
    """Whether a service has shown a sign of life lately and nobody has declared it down."""
    seen = row["last_seen_at"]
    if row["forced_down"] or seen is None:
        return False
    return bool((now - seen).total_seconds() <= cfg.CONF.service_down_time)


def zone_of(row: Row) -> str:
    """The availability zone that a service is shown in."""
    if row["topic"] != COMPUTE:
        return INTERNAL_ZONE
    return row["availability_zone"] or cfg.CONF.default_availability_zone


@engine.retried
def update(service_id: str, changes: dict[str, Any]) -> Row:
    """Change disabled, disabled_reason or forced_down of a compute service.

    :raises ServiceNotFound: :raises Invalid: for a service that gets no work by scheduling
    """
    with engine.writer() as conn:
        row = services.get(conn, service_id)
        if row["topic"] != COMPUTE:
            raise exceptions.Invalid(
                f"Updating a {row['binary']} service is not supported; only compute services can "
                "be disabled or forced down."
            )
        services.update(conn, service_id, {**changes, "updated_at": clock.now()})
        return services.get(conn, service_id)


@engine.retried
def delete(service_id: str) -> None:
    """Forget a service whose program runs no more, and a compute service's host with it.

    :raises ServiceNotFound:
    :raises Conflict: while it is up, or has servers
    """
    with engine.writer() as conn:
        row = services.get(conn, service_id)
        if is_up(row, clock.now()):
            raise exceptions.Conflict(
                f"Service {service_id} on host {row['host']} is up; stop its program first."
            )
        if row["topic"] == COMPUTE:
            if hypervisors.servers_of(conn, [row["host"]]):
                raise exceptions.Conflict(
                    "Unable to delete compute service that is hosting instances. Delete the "
                    f"servers on {row['host']} first."
                )
            hypervisors.delete(conn, row["host"])
            aggregates.forget_host(conn, row["host"])
        services.delete(conn, service_id)
