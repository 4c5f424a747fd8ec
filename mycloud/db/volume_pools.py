"""Pools of volume services, and what is claimed of them.

A claim compares and swaps the pool's generation in the transaction that also moves the volume, so
no two schedulers promise the same space.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import clock
from mycloud.db.models import services, volumes
from mycloud.db.models import volume_pools as pools

Row = Mapping[str, Any]

#: Of which topic the services are that have pools.
_TOPIC = "volume"


def split(place: str) -> tuple[str, str]:
    """The service and the pool of a volume's ``host`` (HOST@BACKEND#POOL)."""
    host, _, pool = place.partition("#")
    return host, pool


def join(host: str, pool: str) -> str:
    """A volume's ``host``."""
    return f"{host}#{pool}"


def publish(
    conn: Connection, host: str, found: Sequence[Mapping[str, Any]], now: datetime.datetime
) -> None:
    """Record what the pools of a service have; what is claimed is counted anew.

    ``found``: pool, backend_name, total_gb, free_gb, provisioned_gb and capabilities of each.
    Pools that are not among them are gone.
    """
    known = {
        row["pool"]: row
        for row in conn.execute(sa.select(pools).where(pools.c.host == host)).mappings()
    }
    taken = allocated(conn, host)
    for each in found:
        name = each["pool"]
        values = {**each, "allocated_gb": taken.get(name, 0), "updated_at": now}
        row = known.pop(name, None)
        if row is None:
            conn.execute(
                sa.insert(pools).values(
                    id=clock.new_id(), host=host, generation=0, created_at=now, **values
                )
            )
        else:
            conn.execute(
                sa.update(pools)
                .where(pools.c.id == row["id"])
                .values(generation=pools.c.generation + 1, **values)
            )
    if known:
        conn.execute(sa.delete(pools).where(pools.c.host == host, pools.c.pool.in_(known)))


def allocated(conn: Connection, host: str) -> dict[str, int]:
    """GiB that live volumes have, or are about to have, in each pool of a service."""
    found: dict[str, int] = {}
    for place in (volumes.c.host, volumes.c.moves_to):
        query = (
            sa.select(
                place, sa.func.sum(sa.func.coalesce(volumes.c.grows_to_gb, volumes.c.size_gb))
            )
            .where(
                place.startswith(f"{host}#", autoescape=True), volumes.c.deleted_at.is_(None)
            )
            .group_by(place)
        )
        for name, total in conn.execute(query):
            pool = split(name)[1]
            found[pool] = found.get(pool, 0) + int(total)
    return found


def every(conn: Connection) -> list[Row]:
    """All pools with their service's columns (service_* and what decides its status)."""
    return list(conn.execute(_with_service()).mappings())


def get_with_service(conn: Connection, pool_id: str) -> Row | None:
    """One row of ``every``; None if there is no such pool or no such service any more."""
    return conn.execute(_with_service().where(pools.c.id == pool_id)).mappings().first()


def _with_service() -> sa.Select[Any]:
    return (
        sa.select(
            pools,
            services.c.id.label("service_id"),
            services.c.disabled.label("service_disabled"),
            services.c.forced_down.label("service_forced_down"),
            services.c.last_seen_at.label("service_last_seen_at"),
            services.c.trouble.label("service_trouble"),
            services.c.availability_zone.label("availability_zone"),
        )
        .join(services, sa.and_(services.c.host == pools.c.host, services.c.topic == _TOPIC))
        .order_by(pools.c.host, pools.c.pool)
    )


def claim(conn: Connection, pool: Row, size_gb: int) -> bool:
    """Take space of a pool as it was read; False if it has changed since."""
    taken = conn.execute(
        sa.update(pools)
        .where(pools.c.id == pool["id"], pools.c.generation == pool["generation"])
        .values(
            generation=pools.c.generation + 1, allocated_gb=pools.c.allocated_gb + size_gb
        )
    )
    return bool(taken.rowcount)


def room_gb(pool: Row, *, thin: bool) -> float:
    """How many GiB more a pool may promise.

    Thin space may be promised more than once, thick space is measured; what is claimed and not
    yet told by the backend counts in both.
    """
    capabilities = pool["capabilities"] or {}
    reserved = float(pool["total_gb"] * capabilities.get("reserved_percentage", 0) / 100)
    promised = max(float(pool["allocated_gb"]), pool["provisioned_gb"])
    if thin and capabilities.get("thin_provisioning_support", False):
        ratio = float(capabilities.get("max_over_subscription_ratio", 1))
        if pool["free_gb"] <= reserved:
            return 0.0
        return (pool["total_gb"] - reserved) * ratio - promised
    return float(min(pool["free_gb"], pool["total_gb"] - promised)) - reserved


def grow_if_room(conn: Connection, place: str, more_gb: int, *, thin: bool) -> float | None:
    """Take more space for a volume that is there. Where the pool has too little nothing is taken,
    and this gives the GiB that it has."""
    host, name = split(place)
    query = sa.select(pools).where(pools.c.host == host, pools.c.pool == name)
    while True:
        pool = conn.execute(query).mappings().first()
        if pool is None:
            # nothing is known of it; the backend itself says whether there is room
            return None
        room = room_gb(pool, thin=thin)
        if room < more_gb:
            return max(room, 0.0)
        if claim(conn, pool, more_gb):
            return None


def grow(conn: Connection, place: str, more_gb: int) -> None:
    """Count more space for a volume that has it already."""
    host, pool = split(place)
    conn.execute(
        sa.update(pools)
        .where(pools.c.host == host, pools.c.pool == pool)
        .values(
            generation=pools.c.generation + 1, allocated_gb=pools.c.allocated_gb + more_gb
        )
    )


def release(conn: Connection, place: str | None, size_gb: int) -> None:
    """Give space back; nothing for a volume that was never placed."""
    if place is not None:
        grow(conn, place, -size_gb)
