"""Put operations into the journal: what the requests of all services share.

The state of a resource moves by compare and swap in the transaction that writes its operation, so
two requests can't both have it. The bell is rung after it; if nobody hears it, the sweeper rings
again.
"""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.common import clock, concurrency, exceptions
from mycloud.common.context import RequestContext
from mycloud.common.states import Op
from mycloud.db import journal, settle
from mycloud.journal import rpcapi as doorbell

P = ParamSpec("P")
R = TypeVar("R")
Row = Mapping[str, Any]
#: Writes what belongs to an operation, in its transaction.
Along = Callable[[Connection], None]
#: What an operation is about: type and id.
Subject = tuple[str, str]


@dataclass(frozen=True)
class New:
    """An operation on a resource that is to be.

    ``asked``: what a retry with the same key asks for again, where that is not the payload.
    ``along``: what else its transaction writes, unless the request is such a retry.
    """

    kind: str
    payload: dict[str, Any] = field(default_factory=dict)
    asked: Any = None
    along: Along | None = None

    def digest(self, resource_id: str) -> str:
        return digest(self.kind, [resource_id, self.asked or self.payload])


def operation(
    context: RequestContext, kind: str, subject: Subject, *, topic: str, **more: Any
) -> dict[str, Any]:
    """The row of a pending operation; ``more``: other columns of it.

    All rows have the same columns, so that several can be written at once.
    """
    now = clock.now()
    return {
        "id": clock.new_id(),
        "kind": kind,
        "resource_type": subject[0],
        "resource_id": subject[1],
        "second_id": None,
        "project_id": context.project_id,
        "user_id": context.user_id,
        "request_id": context.request_id,
        "state": Op.PENDING,
        "topic": topic,
        "host": None,
        "payload": {},
        "idempotency_key": None,
        "idempotency_digest": None,
        "created_at": now,
        "rung_at": now,
        "deadline_at": journal.deadline(kind, now),
        **more,
    }


def done(row: dict[str, Any]) -> dict[str, Any]:
    """The row of an operation that its own transaction has ended already."""
    at = row["created_at"]
    return {**row, "state": Op.SUCCEEDED, "updated_at": at, "started_at": at, "finished_at": at}


def ring(context: RequestContext, *operations: Row) -> None:
    """Ring the bells of committed operations, without holding up the answer."""
    for each in operations:
        if each["state"] == Op.PENDING:
            concurrency.spawn(doorbell.ring, context, settle.bell(each))


def refuse_busy(conn: Connection, operation_id: str, busy: Mapping[str, Any]) -> None:
    """Say which operation has a resource. ``busy``: action, resource, id and task_state.

    :raises OperationInProgress:
    """
    running = journal.get(conn, operation_id)
    raise exceptions.OperationInProgress(
        **busy, operation_id=running["id"], kind=running["kind"]
    )


# -- idempotency keys --------------------------------------------------------------------------


def scoped_key(context: RequestContext, key: str | None) -> str | None:
    """The key as the journal keeps it: keys of two projects do not meet."""
    return f"{context.project_id}:{key}" if key else None


def digest(kind: str, value: Any) -> str:
    """A hash of what was asked for, to tell a retry from another request."""
    text = json.dumps([kind, value], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def once_per_key(attempt: Callable[P, R]) -> Callable[P, R]:
    """Run a request's transaction again when another try with the same key was quicker: the
    second time it finds what that one has made."""

    @functools.wraps(attempt)
    def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return attempt(*args, **kwargs)
        except db_exc.DBDuplicateEntry:
            return attempt(*args, **kwargs)

    return tried


def replay(conn: Connection, key: str | None, asked: str) -> Row | None:
    """The operation that an earlier try of this request has made, if it has made one.

    :raises IdempotencyConflict: when the key belongs to a different request
    """
    if key is None:
        return None
    row = journal.find_by_key(conn, key)
    if row is not None and row["idempotency_digest"] != asked:
        raise exceptions.IdempotencyConflict(kind=row["kind"])
    return row
