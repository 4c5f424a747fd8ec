"""The networks of a host: how they are, what a change would do, and the change as an operation."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.common.context import RequestContext
from mycloud.compute import rpcapi
from mycloud.compute.requests import hosts
from mycloud.db import engine, journal
from mycloud.db import hosts as db_hosts
from mycloud.journal import submit
from mycloud.journal.submit import New

Row = Mapping[str, Any]

KIND = "host.network"
RESOURCE = "host"


def show(context: RequestContext, host: Row) -> dict[str, Any]:
    """What is set up, and how the last change ended; see the agent's ``network.status``.

    :raises HostSilent:
    """
    found: dict[str, Any] = hosts.ask(context, host, "network.status")
    return found


def plan(context: RequestContext, host: Row, document: dict[str, Any]) -> dict[str, Any]:
    """What a change would do; see the agent's ``network.plan``.

    :raises HostSilent: :raises BadField: :raises HostNetworkInUse:
    """
    found: dict[str, Any] = hosts.ask(context, host, "network.plan", document=document)
    return found


@submit.once_per_key
@engine.retried
def apply(
    context: RequestContext, host: Row, document: dict[str, Any], *,
    timeout: float | None = None, key: str | None = None,
) -> str:
    """Have the host's networks changed; returns the operation's id.

    :param timeout: seconds until the host goes back by itself, unless the control plane has
        reached it; None: as the document says
    :raises OperationInProgress: another change of this host's networks is under way
    """
    new = New(KIND, {"document": document, "timeout": timeout})
    asked, key = new.digest(host["id"]), submit.scoped_key(context, key)
    with engine.writer() as conn:
        done = submit.replay(conn, key, asked)
        if done is not None:
            found: str = done["id"]
            return found
        db_hosts.lock(conn, host["id"])
        _refuse_second(conn, host)
        operation = submit.operation(
            context, new.kind, (RESOURCE, host["id"]), topic=rpcapi.TOPIC, host=host["host"],
            payload=new.payload, idempotency_key=key, idempotency_digest=asked if key else None,
        )
        journal.insert(conn, operation)
    submit.ring(context, operation)
    operation_id: str = operation["id"]
    return operation_id


def _refuse_second(conn: Connection, host: Row) -> None:
    """:raises OperationInProgress:"""
    for other in journal.open_on(conn, RESOURCE, host["id"]):
        raise exceptions.OperationInProgress(
            action="change the networks of", resource="host", id=host["host"],
            task_state=other["state"], operation_id=other["id"], kind=other["kind"],
        )
