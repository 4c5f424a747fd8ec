"""Lock a server against changes, and unlock it."""

from typing import Any

from mycloud.common import clock, exceptions, policy
from mycloud.common.context import RequestContext
from mycloud.compute.requests import listing
from mycloud.db import engine, server_list, servers

OWNER = "owner"
OPERATOR = "admin"


@engine.retried
def lock(context: RequestContext, server_id: str) -> None:
    """Nobody but an administrator may change it until it is unlocked.

    :raises ServerNotFound:
    """
    with engine.writer() as conn:
        server = server_list.hold(conn, server_id, project_id=listing.project_of(context))
        own = server["project_id"] == context.project_id
        if server["locked"] and server["locked_by"] == OPERATOR:
            # an owner's lock does not loosen an operator's
            return
        _write(conn, server_id, locked=True, locked_by=OWNER if own else OPERATOR)


@engine.retried
def unlock(context: RequestContext, server_id: str) -> None:
    """:raises ServerNotFound: :raises LockedByOperator: for whom may not undo an operator's"""
    with engine.writer() as conn:
        server = server_list.hold(conn, server_id, project_id=listing.project_of(context))
        if server["locked_by"] == OPERATOR and not policy.allowed(
            context, "compute:servers:unlock_any"
        ):
            raise exceptions.LockedByOperator(server_id=server_id)
        _write(conn, server_id, locked=False, locked_by=None)


def _write(conn: Any, server_id: str, **values: Any) -> None:
    servers.update(
        conn, server_id, {**values, "locked_reason": None, "updated_at": clock.now()}
    )
