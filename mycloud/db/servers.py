"""Servers: reading, state changes by compare and swap, how an operation settles."""

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions, states
from mycloud.common.states import Op, Vm
from mycloud.db import attachments, hosts, images, live
from mycloud.db.models import servers

Row = Mapping[str, Any]


def insert(conn: Connection, rows: list[dict[str, Any]]) -> None:
    conn.execute(sa.insert(servers), rows)


def get(
    conn: Connection, server_id: str, *, project_id: str | None = None, deleted: bool = False
) -> Row:
    """One server; of that project only, if one is given.

    :raises ServerNotFound: also for another project's server
    """
    row = live.get(conn, servers, server_id, project_id=project_id, deleted=deleted)
    if row is None:
        raise exceptions.ServerNotFound(server_id=server_id)
    return row


def hold(conn: Connection, server_id: str) -> Row:
    """A live server that nobody else changes before this transaction ends.

    :raises ServerNotFound:
    """
    query = sa.select(servers).where(
        servers.c.id == server_id, servers.c.deleted_at.is_(None)
    )
    row = conn.execute(query.with_for_update()).mappings().first()
    if row is None:
        raise exceptions.ServerNotFound(server_id=server_id)
    return row


def update(
    conn: Connection, server_id: str, changes: dict[str, Any], **expected: Any
) -> bool:
    """Change a live server if its columns still have the ``expected`` values."""
    return live.update(conn, servers, server_id, changes, expected)


def on_host(conn: Connection, host: str) -> list[Row]:
    """The live servers of a host."""
    query = sa.select(servers).where(servers.c.host == host, servers.c.deleted_at.is_(None))
    return list(conn.execute(query).mappings())


def existing(conn: Connection, server_ids: list[str]) -> set[str]:
    """Those of the ids that are live servers."""
    query = sa.select(servers.c.id).where(
        servers.c.id.in_(server_ids), servers.c.deleted_at.is_(None)
    )
    return set(conn.execute(query).scalars())


def hosts_of(
    conn: Connection, server_ids: list[str], *, project_id: str
) -> dict[str, str]:
    """The hosts of those of the ids that are live servers of the project and have one."""
    query = sa.select(servers.c.id, servers.c.host).where(
        servers.c.id.in_(server_ids),
        servers.c.project_id == project_id,
        servers.c.host.is_not(None),
        servers.c.deleted_at.is_(None),
    )
    return dict(conn.execute(query).tuples().all())


def abandon(conn: Connection, operation: Row, now: datetime.datetime) -> None:
    """Remove what an operation that did not succeed has made beside its server."""
    if operation["kind"] == "server.create_image":
        images.drop_unfinished(conn, operation["payload"]["image_id"], now)


def settle(
    conn: Connection, operation: Row, outcome: Op, changes: dict[str, Any],
    now: datetime.datetime,
) -> list[Row]:
    """Move the server to what the end of its operation makes of it, unless it belongs to another
    operation by now (one that supersedes); the operations that follow from it."""
    transition = states.SERVER[operation["kind"]]
    values: dict[str, Any] = {
        **changes,
        "task_state": None,
        "operation_id": None,
        "updated_at": now,
    }
    if outcome is Op.SUCCEEDED:
        if transition.after is not None:
            values["vm_state"] = transition.after
        if transition.after is Vm.DELETED:
            values |= {"deleted_at": now, "terminated_at": now}
        elif operation["kind"] == "server.create":
            values |= {"launched_at": now, "progress": 100}
        values["fault"] = None
    elif outcome is Op.FAILED and transition.failed is not None:
        values["vm_state"] = transition.failed
    if outcome is not Op.SUCCEEDED:
        abandon(conn, operation, now)
    update(conn, operation["resource_id"], values, operation_id=operation["id"])
    released = outcome is Op.SUCCEEDED and transition.after is Vm.DELETED
    failed_create = operation["kind"] == "server.create" and outcome is not Op.SUCCEEDED
    if released or failed_create:
        hosts.release(conn, operation["resource_id"])
    if failed_create:
        attachments.server_failed(conn, operation["resource_id"], now)
    if released:
        return attachments.server_gone(conn, operation, now)
    if operation["kind"] == "server.create" and outcome is Op.SUCCEEDED:
        attachments.server_built(conn, operation["resource_id"], now)
    return []
