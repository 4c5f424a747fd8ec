"""Lock a server against changes, and unlock it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions, policy
from mycloud.common.context import RequestContext
from mycloud.compute.requests import listing, submit
from mycloud.db import engine, server_list, servers

OWNER = "owner"
OPERATOR = "admin"


@engine.retried
def lock(context: RequestContext, server_id: str) -> str:
    """Nobody but an administrator may change it until it is unlocked; returns the operation's id.

    :raises ServerNotFound:
    """
    with engine.writer() as conn:
        server = server_list.hold(conn, server_id, project_id=listing.project_of(context))
        own = server["project_id"] == context.project_id
        if server["locked_by"] != OPERATOR:
            # an owner's lock does not loosen an operator's
            _write(conn, server, locked=True, locked_by=OWNER if own else OPERATOR)
        return submit.record(conn, context, server, "server.lock")


@engine.retried
def unlock(context: RequestContext, server_id: str) -> str:
    """Let it be changed again; returns the operation's id.

    :raises ServerNotFound:
    :raises LockedByOperator: when an operator has locked it and the caller is none
    """
    with engine.writer() as conn:
        server = server_list.hold(conn, server_id, project_id=listing.project_of(context))
        if server["locked_by"] == OPERATOR and not policy.allowed(
            context, "compute:servers:unlock_any"
        ):
            raise exceptions.LockedByOperator(server_id=server_id)
        _write(conn, server, locked=False, locked_by=None)
        return submit.record(conn, context, server, "server.unlock")


def _write(conn: Connection, server: Mapping[str, Any], **values: Any) -> None:
    servers.update(
        conn, server["id"], {**values, "locked_reason": None, "updated_at": clock.now()}
    )
