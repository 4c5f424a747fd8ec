"""Volume services as operators and users see and change them."""

import datetime
from collections.abc import Collection, Mapping
from typing import Any

from oslo_config import cfg

from mycloud.common import clock, exceptions
from mycloud.db import engine, services

Row = Mapping[str, Any]

BINARY = "mycloud-volume"
#: Why a service gets no work while it is frozen.
FROZEN = "frozen"


def is_up(row: Row, now: datetime.datetime) -> bool:
    """Whether a service has shown a sign of life lately and nobody has declared it down."""
    seen = row["last_seen_at"]
    if row["forced_down"] or seen is None:
        return False
    return bool((now - seen).total_seconds() <= cfg.CONF.service_down_time)


def is_frozen(row: Row) -> bool:
    return bool(row["disabled"] and row["disabled_reason"] == FROZEN)


def zone_of(row: Row) -> str:
    """The availability zone that a service is shown in."""
    zone: str = row["availability_zone"] or cfg.CONF.default_availability_zone
    return zone


def zones() -> list[tuple[str, bool]]:
    """Availability zones of volumes, and whether one of their services can be used."""
    with engine.reader() as conn:
        rows = services.every(conn, binary=BINARY)
    now = clock.now()
    found: dict[str, bool] = {}
    for row in rows:
        zone = zone_of(row)
        found[zone] = found.get(zone, False) or (is_up(row, now) and not row["disabled"])
    return sorted(found.items()) or [(cfg.CONF.default_availability_zone, False)]


def listed(
    binaries: Collection[str], *, host: str | None = None, binary: str | None = None
) -> list[Row]:
    """The services of these programs. ``host``: of that machine, or of one of its backends."""
    with engine.reader() as conn:
        rows = services.every(conn, binary=binary)
    return [
        row
        for row in rows
        if row["binary"] in binaries
        and (host is None or row["host"] == host or row["host"].startswith(f"{host}@"))
    ]


def find(host: str, binary: str) -> Row:
    """:raises NotFound:"""
    with engine.reader() as conn:
        found = services.every(conn, host=host, binary=binary)
    if not found:
        raise exceptions.NotFound(f"Service {binary} could not be found on host {host}.")
    return found[0]


@engine.retried
def switch(host: str, binary: str, *, disabled: bool, reason: str | None = None) -> None:
    """Give a volume service new volumes, or none.

    :raises NotFound:
    :raises Invalid: for a program that gets no work by scheduling
    """
    row = find(host, binary)
    if row["binary"] != BINARY:
        raise exceptions.Invalid(
            f"A {row['binary']} service can't be enabled or disabled; only volume services can."
        )
    changes = {"disabled": disabled, "disabled_reason": reason, "updated_at": clock.now()}
    with engine.writer() as conn:
        services.update(conn, row["id"], changes)


def _backend(host: str) -> Row:
    """:raises BadField: when no volume service is there"""
    try:
        return find(host, BINARY)
    except exceptions.NotFound as error:
        raise exceptions.BadField(
            field="host", reason=f"there is no volume service on host {host}"
        ) from error


def freeze(host: str) -> None:
    """Let nothing new come to a backend.

    :raises BadField: when there is none :raises Invalid: when it is frozen already
    """
    if is_frozen(_backend(host)):
        raise exceptions.Invalid(f"Host {host} is already frozen.")
    switch(host, BINARY, disabled=True, reason=FROZEN)


def thaw(host: str) -> None:
    """:raises BadField: when there is none :raises Invalid: when it is not frozen"""
    if not is_frozen(_backend(host)):
        raise exceptions.Invalid(f"Host {host} is not frozen.")
    switch(host, BINARY, disabled=False)


def failover(host: str) -> None:
    """No backend here keeps copies elsewhere.

    :raises BadField: when there is no such host
    :raises Invalid:
    """
    _backend(host)
    raise exceptions.Invalid(
        f"Host {host} is not configured for replication: there is nowhere to fail over to."
    )
