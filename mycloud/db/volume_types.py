"""Volume types and who may use them.

A caller sees public types and those that its project has access to; an administrator sees all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.db import paging
from mycloud.db.models import (
    qos_specs,
    volume_snapshots,
    volume_type_access,
    volume_types,
    volumes,
)

Row = Mapping[str, Any]

#: What a list may be sorted by: a name of the API -> its column.
SORT_KEYS: dict[str, sa.ColumnElement[Any]] = {
    "created_at": volume_types.c.created_at,
    "description": sa.func.coalesce(volume_types.c.description, ""),
    "id": volume_types.c.id,
    "is_public": sa.case((volume_types.c.is_public, 1), else_=0),
    "name": volume_types.c.name,
    "updated_at": sa.func.coalesce(volume_types.c.updated_at, volume_types.c.created_at),
}


@dataclass(frozen=True)
class Listing:
    """What a list asks for. ``is_public``: None for both kinds (administrators only);
    ``order``: (sort key, rising), the first one first."""

    is_public: bool | None = True
    name: str | None = None
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    order: list[tuple[str, bool]] = field(default_factory=list)
    marker: str | None = None
    offset: int = 0
    limit: int | None = None


def _reachable(project_id: str | None) -> sa.ColumnElement[bool]:
    access = sa.select(volume_type_access.c.volume_type_id).where(
        volume_type_access.c.volume_type_id == volume_types.c.id,
        volume_type_access.c.project_id == project_id,
    )
    return sa.or_(volume_types.c.is_public.is_(True), access.exists())


def _seen_by(context: RequestContext) -> sa.ColumnElement[bool]:
    return sa.true() if context.is_admin else _reachable(context.project_id)


def get(
    conn: Connection, context: RequestContext, type_id: str, *, lock: bool = False
) -> Row:
    """One type that the caller sees; ``lock``: held until the transaction ends.

    :raises VolumeTypeNotFound: also for a type that is other projects' only
    """
    return _one(conn, context, volume_types.c.id == type_id, type_id, lock=lock)


def find(conn: Connection, context: RequestContext, id_or_name: str) -> Row:
    """One type that the caller sees, by its id or, if none has it, by its name.

    :raises VolumeTypeNotFound:
    """
    matches = sa.or_(volume_types.c.id == id_or_name, volume_types.c.name == id_or_name)
    return _one(conn, context, matches, id_or_name)


def _one(
    conn: Connection,
    context: RequestContext,
    matches: sa.ColumnElement[bool],
    asked: str,
    *,
    lock: bool = False,
) -> Row:
    query = (
        sa.select(volume_types)
        .where(matches, _seen_by(context))
        .order_by(sa.case((volume_types.c.id == asked, 0), else_=1))
    )
    if lock:
        query = query.with_for_update()
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.VolumeTypeNotFound(type_id=asked)
    return row


def by_id(conn: Connection, type_id: str) -> Row | None:
    """The type, whoever may use it."""
    query = sa.select(volume_types).where(volume_types.c.id == type_id)
    return conn.execute(query).mappings().first()


def qos_of(conn: Connection, type_id: str) -> Row | None:
    """Consumer and specs of the QoS specs of a type; None: it has none."""
    query = (
        sa.select(qos_specs.c.consumer, qos_specs.c.specs)
        .join(volume_types, volume_types.c.qos_specs_id == qos_specs.c.id)
        .where(volume_types.c.id == type_id)
    )
    return conn.execute(query).mappings().first()


def named(conn: Connection, name: str) -> dict[str, str]:
    """id -> name of the type of that name, or of none."""
    query = sa.select(volume_types.c.id, volume_types.c.name).where(volume_types.c.name == name)
    return {row.id: row.name for row in conn.execute(query)}


def visible(conn: Connection, project_id: str | None) -> dict[str, str]:
    """id -> name of the types that a project may use; of all types for None."""
    query = sa.select(volume_types.c.id, volume_types.c.name).order_by(volume_types.c.name)
    if project_id is not None:
        query = query.where(_reachable(project_id))
    return {row.id: row.name for row in conn.execute(query)}


def every(conn: Connection, context: RequestContext, wanted: Listing) -> list[Row]:
    """The types that the caller sees, one page of them.

    :raises UnknownMarker: when the marker is no type that the caller sees
    """
    query = sa.select(volume_types)
    if wanted.is_public or not context.is_admin:
        query = query.where(_reachable(context.project_id))
    elif wanted.is_public is False:
        query = query.where(volume_types.c.is_public.is_(False))
    if wanted.name is not None:
        query = query.where(volume_types.c.name == wanted.name)
    for key, value in wanted.extra_specs.items():
        query = query.where(volume_types.c.extra_specs[(key,)].as_string() == value)
    order = [*wanted.order]
    if all(name != "id" for name, _ in order):
        order.append(("id", order[-1][1] if order else False))
    known = _marker(conn, context, wanted.marker, [name for name, _ in order])
    keys = [(SORT_KEYS[name], known.get(name), rising) for name, rising in order]
    query = paging.after(query, keys, marked=wanted.marker is not None)
    if wanted.offset:
        query = query.offset(wanted.offset)
    if wanted.limit is not None:
        query = query.limit(wanted.limit)
    return list(conn.execute(query).mappings())


def _marker(
    conn: Connection, context: RequestContext, marker: str | None, names: list[str]
) -> Mapping[str, Any]:
    if marker is None:
        return {}
    query = sa.select(*(SORT_KEYS[name].label(f"key_{name}") for name in names)).where(
        volume_types.c.id == marker, _seen_by(context)
    )
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.UnknownMarker(marker=marker)
    return {name: row[f"key_{name}"] for name in names}


def insert(conn: Connection, values: dict[str, Any]) -> Row:
    """A new type; ``values`` are its columns without id and times.

    :raises VolumeTypeExists: when its name is taken
    """
    row_id = clock.new_id()
    statement = sa.insert(volume_types).values(id=row_id, created_at=clock.now(), **values)
    _unique(conn, statement, values["name"])
    query = sa.select(volume_types).where(volume_types.c.id == row_id)
    return conn.execute(query).mappings().one()


def update(conn: Connection, type_id: str, changes: dict[str, Any]) -> None:
    """:raises VolumeTypeExists: when a new name is taken"""
    statement = sa.update(volume_types).where(volume_types.c.id == type_id)
    _unique(conn, statement.values(updated_at=clock.now(), **changes), changes.get("name"))


def _unique(conn: Connection, statement: sa.UpdateBase, name: str | None) -> None:
    try:
        with conn.begin_nested():
            conn.execute(statement)
    except db_exc.DBDuplicateEntry as error:
        raise exceptions.VolumeTypeExists(name=name) from error


def delete(conn: Connection, type_id: str) -> None:
    conn.execute(
        sa.delete(volume_type_access).where(volume_type_access.c.volume_type_id == type_id)
    )
    conn.execute(sa.delete(volume_types).where(volume_types.c.id == type_id))


def is_used(conn: Connection, type_id: str) -> bool:
    """Whether a volume or a snapshot has the type."""
    parts = [
        sa.select(table.c.id).where(
            table.c.volume_type_id == type_id, table.c.deleted_at.is_(None)
        )
        for table in (volumes, volume_snapshots)
    ]
    return conn.execute(sa.union_all(*parts).limit(1)).first() is not None


def projects_of(conn: Connection, type_id: str) -> list[str]:
    """The projects with access to a type."""
    access = volume_type_access
    query = sa.select(access.c.project_id).where(access.c.volume_type_id == type_id)
    return list(conn.execute(query.order_by(access.c.project_id)).scalars())


def grant(conn: Connection, type_id: str, project_id: str) -> None:
    """:raises VolumeTypeAccessExists:"""
    statement = sa.insert(volume_type_access).values(
        volume_type_id=type_id, project_id=project_id
    )
    try:
        with conn.begin_nested():
            conn.execute(statement)
    except db_exc.DBDuplicateEntry as error:
        raise exceptions.VolumeTypeAccessExists(
            type_id=type_id, project_id=project_id
        ) from error


def revoke(conn: Connection, type_id: str, project_id: str) -> None:
    """:raises VolumeTypeAccessNotFound:"""
    gone = conn.execute(
        sa.delete(volume_type_access).where(
            volume_type_access.c.volume_type_id == type_id,
            volume_type_access.c.project_id == project_id,
        )
    )
    if not gone.rowcount:
        raise exceptions.VolumeTypeAccessNotFound(type_id=type_id, project_id=project_id)
