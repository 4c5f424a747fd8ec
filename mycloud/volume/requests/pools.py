"""Storage pools as operators see them."""

from collections.abc import Mapping
from typing import Any

from mycloud.common import clock, exceptions
from mycloud.db import engine, volume_pools
from mycloud.volume.requests import services

Row = Mapping[str, Any]


def place_of(row: Row) -> str:
    """The pool's name: HOST@BACKEND#POOL."""
    return volume_pools.join(row["host"], row["pool"])


def is_up(row: Row) -> bool:
    """Whether the service of the pool lives and can work."""
    service = {
        name: row[f"service_{name}"] for name in ("forced_down", "last_seen_at", "trouble")
    }
    return services.is_up(service, clock.now()) and not service["trouble"]


def listed(name: str | None = None) -> list[Row]:
    """All pools, or the one of that name."""
    with engine.reader() as conn:
        rows = volume_pools.every(conn)
    return [row for row in rows if name in (None, place_of(row))]


def of_host(host: str) -> Row:
    """The pool of that name, or the first one of the service of that name.

    :raises NotFound:
    """
    for row in listed():
        if host in (place_of(row), row["host"]):
            return row
    raise exceptions.NotFound(f"There is no storage pool on host {host}.")
