"""Flavors and who may use them.

A caller sees public flavors and those that its project has access to; an administrator sees
all. ``flavorid`` is what the API calls id; ``id`` never leaves the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.db import paging
from mycloud.db.models import flavor_access, flavors

Row = Mapping[str, Any]

#: What a list may be sorted by: a name of the API -> its column.
SORT_KEYS: dict[str, sa.ColumnElement[Any]] = {
    "created_at": flavors.c.created_at,
    "description": sa.func.coalesce(flavors.c.description, ""),
    "disabled": sa.cast(flavors.c.disabled, sa.Integer),
    "ephemeral_gb": flavors.c.ephemeral_gb,
    "flavorid": flavors.c.flavorid,
    "id": flavors.c.id,
    "is_public": sa.cast(flavors.c.is_public, sa.Integer),
    "memory_mb": flavors.c.memory_mb,
    "name": flavors.c.name,
    "root_gb": flavors.c.root_gb,
    "rxtx_factor": flavors.c.rxtx_factor,
    "swap": flavors.c.swap_mb,
    "updated_at": sa.func.coalesce(flavors.c.updated_at, flavors.c.created_at),
    "vcpus": flavors.c.vcpus,
}


@dataclass(frozen=True)
class Listing:
    """What a list asks for. ``is_public``: None for both kinds (administrators only);
    ``min_ram`` in MiB, ``min_disk`` in GiB; ``limit`` None: no end."""

    is_public: bool | None = True
    min_ram: int | None = None
    min_disk: int | None = None
    sort_key: str = "flavorid"
    ascending: bool = True
    marker: str | None = None
    limit: int | None = None


def _reachable(project_id: str | None) -> sa.ColumnElement[bool]:
    access = sa.select(flavor_access.c.flavor_id).where(
        flavor_access.c.flavor_id == flavors.c.id, flavor_access.c.project_id == project_id
    )
    return sa.or_(flavors.c.is_public.is_(True), access.exists())


def _seen_by(context: RequestContext) -> sa.ColumnElement[bool]:
    return sa.true() if context.is_admin else _reachable(context.project_id)


def get(
    conn: Connection, context: RequestContext, flavorid: str, *, lock: bool = False
) -> Row:
    """One flavor that the caller sees; ``lock``: held until the transaction ends.

    :raises FlavorNotFound: also for a flavor that is another project's only
    """
    query = sa.select(flavors).where(flavors.c.flavorid == flavorid, _seen_by(context))
    if lock:
        query = query.with_for_update()
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.FlavorNotFound(flavor_id=flavorid)
    return row


def every(conn: Connection, context: RequestContext, wanted: Listing) -> list[Row]:
    """The flavors that the caller sees, one page of them.

    :raises UnknownMarker: when the marker is no flavor that the caller sees
    """
    query = sa.select(flavors)
    if wanted.is_public or not context.is_admin:
        query = query.where(_reachable(context.project_id))
    elif wanted.is_public is False:
        query = query.where(flavors.c.is_public.is_(False))
    if wanted.min_ram is not None:
        query = query.where(flavors.c.memory_mb >= wanted.min_ram)
    if wanted.min_disk is not None:
        query = query.where(flavors.c.root_gb >= wanted.min_disk)
    order = SORT_KEYS[wanted.sort_key]
    value, unique = None, None
    if wanted.marker is not None:
        value, unique = _marked(conn, context, wanted)
    keys = [(order, value, wanted.ascending), (flavors.c.id, unique, wanted.ascending)]
    query = paging.after(query, keys, marked=wanted.marker is not None)
    if wanted.limit is not None:
        query = query.limit(wanted.limit)
    return list(conn.execute(query).mappings())


def _marked(conn: Connection, context: RequestContext, wanted: Listing) -> tuple[Any, str]:
    query = sa.select(SORT_KEYS[wanted.sort_key], flavors.c.id).where(
        flavors.c.flavorid == wanted.marker, _seen_by(context)
    )
    row = conn.execute(query).first()
    if row is None:
        raise exceptions.UnknownMarker(marker=wanted.marker)
    return row[0], row[1]


def insert(conn: Connection, values: dict[str, Any]) -> Row:
    """A new flavor; ``values`` are its columns without id and times.

    :raises FlavorExists: when its name or flavorid is taken
    """
    _refuse_taken(conn, values)
    row_id = clock.new_id()
    statement = sa.insert(flavors).values(
        id=row_id, created_at=clock.now(), extra_specs={}, **values
    )
    try:
        with conn.begin_nested():
            conn.execute(statement)
    except db_exc.DBDuplicateEntry as error:
        # somebody else took it since it was looked for
        raise exceptions.FlavorExists(field="name or ID", value=values["name"]) from error
    return conn.execute(sa.select(flavors).where(flavors.c.id == row_id)).mappings().one()


def _refuse_taken(conn: Connection, values: dict[str, Any]) -> None:
    query = sa.select(flavors.c.name).where(
        sa.or_(flavors.c.name == values["name"], flavors.c.flavorid == values["flavorid"])
    )
    taken = conn.execute(query).scalars().all()
    if values["name"] in taken:
        raise exceptions.FlavorExists(field="name", value=values["name"])
    if taken:
        raise exceptions.FlavorExists(field="ID", value=values["flavorid"])


def update(conn: Connection, row_id: str, changes: dict[str, Any]) -> None:
    conn.execute(
        sa.update(flavors)
        .where(flavors.c.id == row_id)
        .values(updated_at=clock.now(), **changes)
    )


def delete(conn: Connection, row_id: str) -> None:
    """Servers keep what they copied of a flavor when they were made."""
    conn.execute(sa.delete(flavor_access).where(flavor_access.c.flavor_id == row_id))
    conn.execute(sa.delete(flavors).where(flavors.c.id == row_id))


def projects_of(conn: Connection, row_id: str) -> list[str]:
    """The projects with access to a flavor."""
    query = sa.select(flavor_access.c.project_id).where(flavor_access.c.flavor_id == row_id)
    return list(conn.execute(query.order_by(flavor_access.c.project_id)).scalars())


def grant(conn: Connection, flavor: Row, project_id: str) -> None:
    """:raises FlavorAccessExists:"""
    try:
        with conn.begin_nested():
            conn.execute(
                sa.insert(flavor_access).values(flavor_id=flavor["id"], project_id=project_id)
            )
    except db_exc.DBDuplicateEntry as error:
        raise exceptions.FlavorAccessExists(
            flavor_id=flavor["flavorid"], project_id=project_id
        ) from error


def revoke(conn: Connection, flavor: Row, project_id: str) -> None:
    """:raises FlavorAccessNotFound:"""
    gone = conn.execute(
        sa.delete(flavor_access).where(
            flavor_access.c.flavor_id == flavor["id"],
            flavor_access.c.project_id == project_id,
        )
    )
    if not gone.rowcount:
        raise exceptions.FlavorAccessNotFound(
            flavor_id=flavor["flavorid"], project_id=project_id
        )


def embedded(flavor: Row) -> dict[str, Any]:
    """The copy of a flavor that a server keeps, in the API's words; sizes in MiB and GiB."""
    return {
        "id": flavor["flavorid"],
        "original_name": flavor["name"],
        "vcpus": flavor["vcpus"],
        "ram": flavor["memory_mb"],
        "disk": flavor["root_gb"],
        "ephemeral": flavor["ephemeral_gb"],
        "swap": flavor["swap_mb"],
        "extra_specs": dict(flavor["extra_specs"]),
    }
