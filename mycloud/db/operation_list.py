"""Lists of operations: filtered and paged by the database, in one statement and one more for a
marker."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions, states
from mycloud.common.states import Backup, Snap, Vm
from mycloud.db import paging
from mycloud.db.models import backups, hosts, servers, volume_snapshots, volumes
from mycloud.db.models import operations as ops

Row = Mapping[str, Any]

#: What is too large for a list, or nobody's business.
_HIDDEN = frozenset({"payload", "alternates", "idempotency_key", "idempotency_digest"})
_COLUMNS = tuple(column for column in ops.c if column.name not in _HIDDEN)

SERVER, VOLUME, HOST = "server", "volume", "host"
#: Types of resources with one status -> their table, and the statuses of failures.
_STATUSES: dict[str, tuple[sa.Table, frozenset[str]]] = {
    VOLUME: (volumes, frozenset(states.VOLUME_ERRORS)),
    "snapshot": (volume_snapshots, frozenset({Snap.ERROR, Snap.ERROR_DELETING})),
    "backup": (backups, frozenset({Backup.ERROR, Backup.ERROR_DELETING})),
}


@dataclass
class Wanted:
    """A page. ``same``: column -> value. ``marker``: the value of ``marker_column`` in the last
    operation of the page before."""

    same: dict[str, Any] = field(default_factory=dict)
    changed_since: datetime.datetime | None = None
    marker: str | None = None
    marker_column: str = "id"
    newest_first: bool = True
    limit: int = 1000


def page(conn: Connection, wanted: Wanted) -> list[Row]:
    """The operations that match, in the order in which they were asked for.

    :raises UnknownMarker: when the marker is none of the operations that match
    """
    conditions = [ops.c[name] == value for name, value in wanted.same.items()]
    marked: Row = {"created_at": None, "id": None}
    if wanted.marker is not None:
        query = sa.select(ops.c.created_at, ops.c.id).where(
            ops.c[wanted.marker_column] == wanted.marker, *conditions
        )
        found = conn.execute(query).mappings().first()
        if found is None:
            raise exceptions.UnknownMarker(marker=wanted.marker)
        marked = found
    if wanted.changed_since is not None:
        changed = sa.func.coalesce(ops.c.updated_at, ops.c.created_at)
        conditions.append(changed >= wanted.changed_since)
    keys = [
        (ops.c[name], marked[name], not wanted.newest_first) for name in ("created_at", "id")
    ]
    query = paging.after(
        sa.select(*_COLUMNS).where(*conditions), keys, marked=wanted.marker is not None
    )
    return list(conn.execute(query.limit(wanted.limit)).mappings())


def about(
    conn: Connection, name: str, *, project_id: str | None
) -> tuple[list[Row], Row | None]:
    """The operations that an id stands for, oldest first, and what they were about (see
    ``resource``): those on the resource of that id, also those of others that concern it (the
    attaching of a volume is its server's), the operation of that id, or those of the request of
    that id. Of that project only, if one is given; none if the id stands for nothing there.
    """
    for matching in (
        sa.or_(ops.c.resource_id == name, ops.c.second_id == name),
        ops.c.id == name,
        ops.c.request_id == name,
    ):
        query = sa.select(*_COLUMNS).where(matching)
        if project_id is not None:
            query = query.where(ops.c.project_id == project_id)
        rows = list(conn.execute(query.order_by(ops.c.created_at, ops.c.id)).mappings())
        if not rows:
            continue
        own = [row for row in rows if row["resource_id"] == name]
        if not own and rows[0]["second_id"] == name:
            return rows, resource(conn, VOLUME, name)
        first = (own or rows)[0]
        return rows, resource(conn, first["resource_type"], first["resource_id"])
    return [], None


def resource(conn: Connection, kind: str, resource_id: str) -> Row:
    """What operations are about, also when it is gone: ``type``, ``id``, ``name``, ``status`` as
    its API has it, and whether it has ``failed``; None where nothing is known."""
    found: Row | None = None
    status: str | None = None
    failed = False
    if kind == SERVER:
        query = sa.select(servers.c.name, servers.c.vm_state, servers.c.task_state).where(
            servers.c.id == resource_id
        )
        found = conn.execute(query).mappings().first()
        if found is not None:
            status = states.server_status(found["vm_state"], found["task_state"])
            failed = found["vm_state"] == Vm.ERROR
    elif kind == HOST:
        named = sa.select(hosts.c.host.label("name")).where(hosts.c.id == resource_id)
        found = conn.execute(named).mappings().first()
    elif kind in _STATUSES:
        table, errors = _STATUSES[kind]
        rows = conn.execute(
            sa.select(table.c.name, table.c.status).where(table.c.id == resource_id)
        )
        found = rows.mappings().first()
        if found is not None:
            status, failed = found["status"], found["status"] in errors
    return {
        "type": kind,
        "id": resource_id,
        "name": found["name"] if found is not None else None,
        "status": status,
        "failed": failed,
    }
