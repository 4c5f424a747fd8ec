"""Services that report in."""

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db.models import services

Row = Mapping[str, Any]


def register(conn: Connection, values: dict[str, Any]) -> Row:
    """A service starts: its row is made, or gets the new epoch. The row's id stays."""
    query = sa.select(services).where(
        services.c.host == values["host"], services.c.binary == values["binary"]
    )
    row = conn.execute(query).mappings().first()
    if row is None:
        conn.execute(sa.insert(services).values(**values))
    else:
        kept = {"id", "created_at", "availability_zone"} if row["availability_zone"] else {
            "id", "created_at"
        }
        changes = {name: value for name, value in values.items() if name not in kept}
        conn.execute(sa.update(services).where(services.c.id == row["id"]).values(**changes))
    return conn.execute(query).mappings().one()


def heartbeat(conn: Connection, service_id: str, epoch: str, now: datetime.datetime) -> bool:
    """Note a sign of life; False if another process has taken the service over."""
    done = conn.execute(
        sa.update(services)
        .where(services.c.id == service_id, services.c.epoch == epoch)
        .values(last_seen_at=now, report_count=services.c.report_count + 1)
    )
    return bool(done.rowcount)


def get(conn: Connection, service_id: str) -> Row:
    """:raises ServiceNotFound:"""
    row = conn.execute(sa.select(services).where(services.c.id == service_id)).mappings().first()
    if row is None:
        raise exceptions.ServiceNotFound(service_id=service_id)
    return row


def every(
    conn: Connection, *, host: str | None = None, binary: str | None = None
) -> list[Row]:
    query = sa.select(services).order_by(services.c.binary, services.c.host)
    if host is not None:
        query = query.where(services.c.host == host)
    if binary is not None:
        query = query.where(services.c.binary == binary)
    return list(conn.execute(query).mappings())


def update(conn: Connection, service_id: str, changes: dict[str, Any]) -> None:
    conn.execute(sa.update(services).where(services.c.id == service_id).values(**changes))


def delete(conn: Connection, service_id: str) -> None:
    conn.execute(sa.delete(services).where(services.c.id == service_id))


def minimum_version(conn: Connection, binary: str) -> int:
    """The lowest version among the services of that program; 0 if there is none."""
    query = sa.select(sa.func.min(services.c.version)).where(services.c.binary == binary)
    return conn.execute(query).scalar() or 0
