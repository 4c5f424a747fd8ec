"""What servers existed in a period, for accounting."""

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db.models import servers

Row = Mapping[str, Any]
Period = tuple[datetime.datetime, datetime.datetime]


def servers_in(
    conn: Connection,
    period: Period,
    *,
    project_id: str | None = None,
    marker: str | None = None,
    limit: int | None = None,
) -> list[Row]:
    """The servers that ran at some time of the period, by project and id; those after the
    server ``marker``.

    :raises UnknownMarker:
    """
    start, stop = period
    query = (
        sa.select(servers)
        .where(
            servers.c.launched_at < stop,
            sa.or_(servers.c.terminated_at.is_(None), servers.c.terminated_at > start),
        )
        .order_by(servers.c.project_id, servers.c.id)
    )
    if project_id is not None:
        query = query.where(servers.c.project_id == project_id)
    if marker is not None:
        query = query.where(_after(conn, marker, project_id))
    if limit is not None:
        query = query.limit(limit)
    return list(conn.execute(query).mappings())


def _after(
    conn: Connection, marker: str, project_id: str | None
) -> sa.ColumnElement[bool]:
    row = conn.execute(sa.select(servers.c.project_id).where(servers.c.id == marker)).first()
    if row is None or project_id not in (None, row.project_id):
        raise exceptions.UnknownMarker(marker=marker)
    return sa.or_(
        servers.c.project_id > row.project_id,
        sa.and_(servers.c.project_id == row.project_id, servers.c.id > marker),
    )
