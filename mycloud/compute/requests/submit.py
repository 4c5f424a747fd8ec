"""Put an operation on a server into the journal: the one transaction of a request.

The state moves by compare and swap in the same transaction, so two requests can't both have the
server. The bell is rung after it; if nobody hears it, the sweeper rings again.
"""

from collections.abc import Mapping
from typing import Any

from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions, states
from mycloud.common.context import RequestContext
from mycloud.common.states import Op
from mycloud.compute import rpcapi
from mycloud.conductor import rpcapi as conductor_rpcapi
from mycloud.db import attachments, engine, journal, servers
from mycloud.journal import submit as journal_submit
from mycloud.journal.submit import New, replay, ring, scoped_key

Row = Mapping[str, Any]


def new_operation(
    context: RequestContext, kind: str, server_id: str, *, topic: str, **more: Any
) -> dict[str, Any]:
    """The row of a pending operation on a server; ``more``: other columns of it."""
    return journal_submit.operation(context, kind, ("server", server_id), topic=topic, **more)


def record(conn: Connection, context: RequestContext, server: Row, kind: str) -> str:
    """Journal what this transaction does at once, without a worker; returns the operation's id."""
    operation = new_operation(
        context, kind, server["id"], topic=rpcapi.TOPIC, host=server["host"],
        project_id=server["project_id"],
    )
    journal.insert(conn, journal_submit.done(operation))
    operation_id: str = operation["id"]
    return operation_id


# -- operations on a server that exists --------------------------------------------------------


def submit(context: RequestContext, server: Row, kind: str, *, key: str | None = None) -> str:
    """As submit_new, of an operation whose kind says all."""
    return submit_new(context, server, New(kind), key=key)


@journal_submit.once_per_key
@engine.retried
def submit_new(
    context: RequestContext, server: Row, new: New, *, key: str | None = None
) -> str:
    """Start an operation on a server's host; returns the operation's id.

    :raises ServerLocked: when it is locked and the caller is no administrator
    :raises OperationInProgress: while another operation has the server
    :raises StateConflict: when the server's state does not allow it
    """
    transition = states.SERVER[new.kind]
    asked = new.digest(server["id"])
    key = scoped_key(context, key)
    with engine.writer() as conn:
        done = replay(conn, key, asked)
        if done is not None:
            found: str = done["id"]
            return found
        check_lock(context, server)
        operation = new_operation(
            context,
            new.kind,
            server["id"],
            topic=rpcapi.TOPIC,
            host=server["host"],
            # the journal of the server's project, whoever asks
            project_id=server["project_id"],
            payload=new.payload | with_volumes(conn, server),
            idempotency_key=key,
            idempotency_digest=asked if key else None,
        )
        moved = servers.update(
            conn,
            server["id"],
            {
                "task_state": transition.task,
                "operation_id": operation["id"],
                "updated_at": operation["created_at"],
            },
            operation_id=None,
            vm_state=transition.before,
        )
        if not moved:
            refuse(conn, servers.get(conn, server["id"]), transition.action)
        journal.insert(conn, operation)
        if new.along is not None:
            new.along(conn)
    ring(context, operation)
    operation_id: str = operation["id"]
    return operation_id


def with_volumes(conn: Connection, server: Row) -> dict[str, Any]:
    """What tells a server's host that it has volumes: most have none, and need no look-up."""
    return {"volumes": True} if attachments.any_of(conn, server["id"]) else {}


def check_lock(context: RequestContext, server: Row) -> None:
    """:raises ServerLocked: for everybody but an administrator"""
    if server["locked"] and not context.is_admin:
        raise exceptions.ServerLocked(server_id=server["id"])


def refuse(conn: Connection, server: Row, action: str) -> None:
    """Say why a server's state does not let this happen.

    :raises OperationInProgress: :raises StateConflict:
    """
    if server["operation_id"] is not None:
        busy = {"resource": "instance", "id": server["id"], "task_state": server["task_state"]}
        journal_submit.refuse_busy(conn, server["operation_id"], {"action": action, **busy})
    raise exceptions.StateConflict(
        action=action,
        resource="instance",
        id=server["id"],
        attribute="vm_state",
        state=server["vm_state"],
    )


# -- deletion ----------------------------------------------------------------------------------


@engine.retried
def submit_delete(context: RequestContext, server: Row) -> str:
    """Start the deletion of a server in any state; returns the operation's id.

    What is under way on the server is cancelled first; a deletion under way is this one.
    """
    check_lock(context, server)
    with engine.writer() as conn:
        server = servers.get(conn, server["id"])
        operation = new_operation(
            context,
            "server.delete",
            server["id"],
            topic=rpcapi.TOPIC if server["host"] else conductor_rpcapi.TOPIC,
            host=server["host"],
            project_id=server["project_id"],
            payload=with_volumes(conn, server),
        )
        current = server["operation_id"]
        if current is not None:
            first = journal.get(conn, current)
            if first["kind"] == operation["kind"]:
                found: str = first["id"]
                return found
            if not _cancel_unstarted(conn, first):
                journal.request_cancel(conn, first["id"])
                operation |= {"state": Op.WAITING, "waits_for": first["id"]}
        moved = servers.update(
            conn,
            server["id"],
            {
                "task_state": states.SERVER["server.delete"].task,
                "operation_id": operation["id"],
                "updated_at": operation["created_at"],
            },
            operation_id=current,
        )
        if not moved:
            raise db_exc.RetryRequest(None)
        journal.insert(conn, operation)
    ring(context, operation)
    operation_id: str = operation["id"]
    return operation_id


def _cancel_unstarted(conn: Connection, operation: Row) -> bool:
    """End an operation that nobody has begun; False if somebody has."""
    now = clock.now()
    ended = journal.move(
        conn,
        operation["id"],
        [Op.PENDING],
        {
            "state": Op.CANCELLED,
            "reason": "A later request on the same resource replaced it.",
            "finished_at": now,
            "updated_at": now,
        },
    )
    if ended:
        servers.abandon(conn, operation, now)
    return ended
