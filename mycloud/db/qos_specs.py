"""QoS specs: bounds of speed that volume types share."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.db import paging
from mycloud.db.models import qos_specs, volume_types

Row = Mapping[str, Any]

#: What a list may be sorted by.
SORT_KEYS: dict[str, sa.ColumnElement[Any]] = {
    "consumer": qos_specs.c.consumer,
    "created_at": qos_specs.c.created_at,
    "id": qos_specs.c.id,
    "name": qos_specs.c.name,
}


def get(conn: Connection, specs_id: str, *, lock: bool = False) -> Row:
    """``lock``: held until the transaction ends.

    :raises QosSpecsNotFound:
    """
    query = sa.select(qos_specs).where(qos_specs.c.id == specs_id)
    if lock:
        query = query.with_for_update()
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.QosSpecsNotFound(specs_id=specs_id)
    return row


def every(
    conn: Connection, order: list[tuple[str, bool]], *, marker: str | None, limit: int
) -> list[Row]:
    """One page. ``order``: (sort key, rising), the first one first.

    :raises UnknownMarker:
    """
    if all(name != "id" for name, _ in order):
        order = [*order, ("id", order[-1][1] if order else False)]
    known: Mapping[str, Any] = {}
    if marker is not None:
        try:
            known = get(conn, marker)
        except exceptions.QosSpecsNotFound as error:
            raise exceptions.UnknownMarker(marker=marker) from error
    keys = [(SORT_KEYS[name], known.get(name), rising) for name, rising in order]
    query = paging.after(sa.select(qos_specs), keys, marked=marker is not None)
    return list(conn.execute(query.limit(limit)).mappings())


def insert(conn: Connection, values: dict[str, Any]) -> Row:
    """New specs; ``values`` are the columns without id and times.

    :raises QosSpecsExist: when the name is taken
    """
    row_id = clock.new_id()
    statement = sa.insert(qos_specs).values(id=row_id, created_at=clock.now(), **values)
    try:
        with conn.begin_nested():
            conn.execute(statement)
    except db_exc.DBDuplicateEntry as error:
        raise exceptions.QosSpecsExist(name=values["name"]) from error
    return get(conn, row_id)


def update(conn: Connection, specs_id: str, changes: dict[str, Any]) -> None:
    conn.execute(
        sa.update(qos_specs)
        .where(qos_specs.c.id == specs_id)
        .values(updated_at=clock.now(), **changes)
    )


def delete(conn: Connection, specs_id: str) -> None:
    conn.execute(sa.delete(qos_specs).where(qos_specs.c.id == specs_id))


def types_of(conn: Connection, specs_id: str) -> dict[str, str]:
    """id -> name of the volume types that the specs hold for."""
    query = sa.select(volume_types.c.id, volume_types.c.name).where(
        volume_types.c.qos_specs_id == specs_id
    )
    return {row.id: row.name for row in conn.execute(query.order_by(volume_types.c.name))}


def associate(conn: Connection, type_id: str, specs_id: str | None) -> None:
    """Let specs hold for a volume type; None: none hold for it any more."""
    conn.execute(
        sa.update(volume_types)
        .where(volume_types.c.id == type_id)
        .values(qos_specs_id=specs_id, updated_at=clock.now())
    )


def disassociate_all(conn: Connection, specs_id: str) -> None:
    conn.execute(
        sa.update(volume_types)
        .where(volume_types.c.qos_specs_id == specs_id)
        .values(qos_specs_id=None, updated_at=clock.now())
    )
