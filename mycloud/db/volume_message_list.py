"""Messages as users read and delete them; what has expired is not there any more."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.db import paging
from mycloud.db.models import volume_messages as messages

Row = Mapping[str, Any]

#: What a list may be sorted by: a name of the API -> its column.
SORT_KEYS: dict[str, sa.ColumnElement[Any]] = {
    "created_at": messages.c.created_at,
    "event_id": messages.c.event_id,
    "guaranteed_until": messages.c.expires_at,
    "id": messages.c.id,
    "message_level": messages.c.level,
    "request_id": messages.c.request_id,
    "resource_type": messages.c.resource_type,
    "resource_uuid": sa.func.coalesce(messages.c.resource_id, ""),
}


@dataclass(frozen=True)
class Listing:
    """What a list asks for. ``same``: a name of the API -> its value; ``order``: (sort key,
    rising), the first one first."""

    same: Mapping[str, str] = field(default_factory=dict)
    order: list[tuple[str, bool]] = field(default_factory=list)
    marker: str | None = None
    offset: int = 0
    limit: int | None = None


def _readable(project_id: str | None) -> sa.ColumnElement[bool]:
    """By a project; by administrators for None."""
    lives = messages.c.expires_at > clock.now()
    return lives if project_id is None else sa.and_(lives, messages.c.project_id == project_id)


def get(conn: Connection, message_id: str, *, project_id: str | None) -> Row:
    """``project_id``: of that project only; None: of any.

    :raises VolumeMessageNotFound:
    """
    query = sa.select(messages).where(messages.c.id == message_id, _readable(project_id))
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.VolumeMessageNotFound(message_id=message_id)
    return row


def page(conn: Connection, wanted: Listing, *, project_id: str | None) -> list[Row]:
    """:raises UnknownMarker:"""
    order = [*wanted.order]
    if all(name != "id" for name, _ in order):
        order.append(("id", order[-1][1] if order else False))
    query = sa.select(messages).where(
        _readable(project_id), *(SORT_KEYS[name] == value for name, value in wanted.same.items())
    )
    known: Mapping[str, Any] = {}
    if wanted.marker is not None:
        labelled = (SORT_KEYS[name].label(f"key_{name}") for name, _ in order)
        marked = conn.execute(
            sa.select(*labelled).where(messages.c.id == wanted.marker, _readable(project_id))
        )
        found = marked.mappings().first()
        if found is None:
            raise exceptions.UnknownMarker(marker=wanted.marker)
        known = {name: found[f"key_{name}"] for name, _ in order}
    keys = [(SORT_KEYS[name], known.get(name), rising) for name, rising in order]
    query = paging.after(query, keys, marked=wanted.marker is not None)
    if wanted.offset:
        query = query.offset(wanted.offset)
    return list(conn.execute(query.limit(wanted.limit)).mappings())


def delete(conn: Connection, message_id: str) -> None:
    conn.execute(sa.delete(messages).where(messages.c.id == message_id))


def delete_expired(conn: Connection, now: datetime.datetime) -> int:
    """How many messages went."""
    return conn.execute(sa.delete(messages).where(messages.c.expires_at <= now)).rowcount
