"""The operation journal: every change of an operation or a step is here.

All functions take the connection of an open transaction. The state moves only by compare and
swap; a worker that lost its operation gets OperationLost from the first thing it tries.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions, states
from mycloud.common.states import Op, StepState
from mycloud.db.models import operation_steps as steps
from mycloud.db.models import operations as ops
from mycloud.db.models import services

Row = Mapping[str, Any]

#: Statements of every operation: made once, since making them takes as long as running them.
_ONE = sa.select(ops).where(ops.c.id == sa.bindparam("operation_id"))
_LOCKED = _ONE.with_for_update()
_LAST_SEQ = sa.select(sa.func.max(steps.c.seq)).where(
    steps.c.operation_id == sa.bindparam("operation_id")
)


def insert(conn: Connection, *rows: dict[str, Any]) -> None:
    """New operations; all rows have the same columns."""
    conn.execute(sa.insert(ops), list(rows))


def deadline(kind: str, now: datetime.datetime) -> datetime.datetime:
    """When an operation of that kind, which begins now, has failed."""
    options = cfg.CONF.conductor
    seconds = options.copy_deadline if states.copies(kind) else options.operation_deadline
    return now + datetime.timedelta(seconds=seconds)


def follow_up(
    first: Row, kind: str, about: dict[str, Any], now: datetime.datetime
) -> dict[str, Any]:
    """The row of an operation that another one leads to, on behalf of the same request.

    ``about``: resource_type, resource_id, topic, host, project_id and maybe payload.
    """
    return {
        "id": clock.new_id(),
        "kind": kind,
        "user_id": first["user_id"],
        "request_id": first["request_id"],
        "state": Op.PENDING,
        "payload": {},
        "created_at": now,
        "rung_at": now,
        "deadline_at": deadline(kind, now),
        **about,
    }


def get(conn: Connection, operation_id: str) -> Row:
    """:raises OperationNotFound:"""
    row = conn.execute(_ONE, {"operation_id": operation_id}).mappings().first()
    if row is None:
        raise exceptions.OperationNotFound(operation_id=operation_id)
    return row


def lock(conn: Connection, operation_id: str) -> Row:
    """Like ``get``, and nobody else changes the operation before this transaction ends."""
    row = conn.execute(_LOCKED, {"operation_id": operation_id}).mappings().first()
    if row is None:
        raise exceptions.OperationNotFound(operation_id=operation_id)
    return row


def find_by_key(conn: Connection, key: str) -> Row | None:
    """The operation that an idempotency key has made, if it has made one."""
    query = sa.select(ops).where(ops.c.idempotency_key == key)
    return conn.execute(query).mappings().first()


def claim(
    conn: Connection, operation_id: str, owner: str, epoch: str, *, again: bool = False
) -> bool | None:
    """Take a pending operation, or one of this service's own earlier life.

    None if it is neither; True if the earlier life had begun it. ``owner``: the service's id.
    What is addressed to another service is not to be had: a bell may be heard long after its
    operation was sent on to another host. ``again``: also one that this epoch owns already.
    """
    now = clock.now()
    addressed = sa.exists().where(
        services.c.id == owner,
        services.c.topic == ops.c.topic,
        sa.or_(ops.c.host.is_(None), ops.c.host == services.c.host),
    )
    mine = {"state": Op.RUNNING, "owner": owner, "owner_epoch": epoch, "updated_at": now}
    fresh = conn.execute(
        sa.update(ops)
        .where(ops.c.id == operation_id, ops.c.state == Op.PENDING, addressed)
        .values(**mine, started_at=sa.func.coalesce(ops.c.started_at, now))
    )
    if fresh.rowcount:
        return False
    past = sa.update(ops).where(
        ops.c.id == operation_id, ops.c.state == Op.RUNNING, ops.c.owner == owner
    )
    if not again:
        past = past.where(ops.c.owner_epoch != epoch)
    return True if conn.execute(past.values(**mine)).rowcount else None


def last_seq(conn: Connection, operation_id: str) -> int:
    return conn.execute(_LAST_SEQ, {"operation_id": operation_id}).scalar() or 0


def hold(conn: Connection, operation_id: str, epoch: str) -> Row:
    """Lock the operation's row for a change by its owner.

    :raises OperationLost: when another worker owns it, or it has ended
    """
    row = conn.execute(_LOCKED, {"operation_id": operation_id}).mappings().first()
    if row is None or row["state"] != Op.RUNNING or row["owner_epoch"] != epoch:
        raise exceptions.OperationLost(operation_id=operation_id)
    return row


def extend(conn: Connection, row: Row, now: datetime.datetime) -> None:
    """Let the time that an operation may take begin now; one that has all time keeps that."""
    until = None if row["deadline_at"] is None else deadline(row["kind"], now)
    conn.execute(
        sa.update(ops)
        .where(ops.c.id == row["id"])
        .values(deadline_at=until, updated_at=now)
    )


def insert_step(conn: Connection, operation_id: str, values: dict[str, Any]) -> None:
    """Journal one step with all its columns."""
    conn.execute(sa.insert(steps).values(operation_id=operation_id, **values))


def insert_steps(
    conn: Connection,
    operation_id: str,
    rows: Sequence[dict[str, Any]],
    now: datetime.datetime,
) -> None:
    """Journal steps that start now, or that were found already done."""
    if rows:
        conn.execute(
            sa.insert(steps),
            [
                {
                    **row,
                    "operation_id": operation_id,
                    "started_at": now,
                    "finished_at": None if row["state"] == StepState.RUNNING else now,
                }
                for row in rows
            ],
        )


def end_running_steps(
    conn: Connection,
    operation_id: str,
    state: StepState,
    now: datetime.datetime,
    **more: Any,
) -> None:
    """Journal how the step that runs has ended."""
    conn.execute(
        sa.update(steps)
        .where(steps.c.operation_id == operation_id, steps.c.state == StepState.RUNNING)
        .values(state=state, finished_at=now, **more)
    )


def mark_undone(
    conn: Connection, operation_id: str, names: Sequence[str], now: datetime.datetime
) -> None:
    """Journal that the undo of these steps has run."""
    conn.execute(
        sa.update(steps)
        .where(
            steps.c.operation_id == operation_id,
            steps.c.name.in_(names),
            steps.c.state.in_([StepState.DONE, StepState.RUNNING, StepState.SKIPPED]),
        )
        .values(state=StepState.UNDONE, finished_at=sa.func.coalesce(steps.c.finished_at, now))
    )


def move(
    conn: Connection, operation_id: str, before: Sequence[Op], values: dict[str, Any]
) -> bool:
    """Compare and swap the state; False if it was in none of ``before``.

    :raises ValueError: for a transition that common/states.py does not have
    """
    after = Op(values["state"])
    for state in before:
        if after not in states.OPERATION_TRANSITIONS[state]:
            raise ValueError(f"operation: no transition from {state} to {after}")
    done = conn.execute(
        sa.update(ops).where(ops.c.id == operation_id, ops.c.state.in_(before)).values(**values)
    )
    return bool(done.rowcount)


def send_on(
    conn: Connection, operation_id: str, to: Mapping[str, Any], now: datetime.datetime
) -> None:
    """Let another service do the next part of a running operation, which its owner holds. ``to``:
    topic, host and maybe payload."""
    move(
        conn,
        operation_id,
        [Op.RUNNING],
        {
            "state": Op.PENDING, "owner": None, "owner_epoch": None, "rung_at": now,
            "updated_at": now, **to,
        },
    )


def take_all_time(conn: Connection, row: Row, payload: Mapping[str, Any]) -> None:
    """Let no deadline end an operation any more. ``payload``: what is added to its own."""
    conn.execute(
        sa.update(ops)
        .where(ops.c.id == row["id"])
        .values(deadline_at=None, payload={**row["payload"], **payload})
    )


def request_cancel(conn: Connection, operation_id: str) -> None:
    """Ask the worker of a running operation to undo it at its next step."""
    conn.execute(sa.update(ops).where(ops.c.id == operation_id).values(cancel_requested=True))


def release_waiters(conn: Connection, operation_id: str, now: datetime.datetime) -> list[Row]:
    """Make pending what waited for this operation; returns what to ring."""
    query = sa.select(ops).where(
        ops.c.waits_for == operation_id, ops.c.state == Op.WAITING
    )
    rows = list(conn.execute(query).mappings())
    for row in rows:
        move(conn, row["id"], [Op.WAITING], {"state": Op.PENDING, "updated_at": now})
    return rows


def note_rung(conn: Connection, operation_ids: Sequence[str], now: datetime.datetime) -> None:
    """Remember when the bell of these operations was last rung."""
    conn.execute(sa.update(ops).where(ops.c.id.in_(operation_ids)).values(rung_at=now))


def pending_since(conn: Connection, before: datetime.datetime, limit: int) -> list[Row]:
    """Pending operations whose bell was last rung (or that were made) before that time."""
    query = (
        sa.select(ops)
        .where(
            ops.c.state == Op.PENDING,
            sa.func.coalesce(ops.c.rung_at, ops.c.updated_at, ops.c.created_at) < before,
        )
        .order_by(ops.c.created_at)
        .limit(limit)
    )
    return list(conn.execute(query).mappings())


def in_state(conn: Connection, state: Op) -> list[Row]:
    query = sa.select(ops).where(ops.c.state == state).order_by(ops.c.created_at)
    return list(conn.execute(query).mappings())


def to_resume(
    conn: Connection, owner: str, epoch: str, *, bell: tuple[str, str], before: datetime.datetime
) -> list[str]:
    """Ids of what a service takes up by itself: what its own past ran, and what waits for this
    topic and host (``bell``), or for any host of the topic, since ``before``."""
    topic, host = bell
    own_past = sa.and_(
        ops.c.state == Op.RUNNING, ops.c.owner == owner, ops.c.owner_epoch != epoch
    )
    waiting = sa.and_(
        ops.c.state == Op.PENDING,
        ops.c.topic == topic,
        sa.or_(ops.c.host == host, ops.c.host.is_(None)),
        sa.func.coalesce(ops.c.updated_at, ops.c.created_at) <= before,
    )
    query = sa.select(ops.c.id).where(sa.or_(own_past, waiting)).order_by(ops.c.created_at)
    return list(conn.execute(query).scalars())


def steps_of(conn: Connection, operation_ids: Sequence[str]) -> dict[str, list[Row]]:
    """The steps in order, by operation."""
    query = (
        sa.select(steps)
        .where(steps.c.operation_id.in_(operation_ids))
        .order_by(steps.c.operation_id, steps.c.seq)
    )
    found: dict[str, list[Row]] = {operation_id: [] for operation_id in operation_ids}
    for row in conn.execute(query).mappings():
        found[row["operation_id"]].append(row)
    return found


def of_resource(
    conn: Connection, resource_id: str, *, request_id: str | None = None
) -> list[Row]:
    """The operations on a resource, oldest first."""
    query = sa.select(ops).where(ops.c.resource_id == resource_id)
    if request_id is not None:
        query = query.where(ops.c.request_id == request_id)
    return list(conn.execute(query.order_by(ops.c.created_at, ops.c.id)).mappings())


def open_on(conn: Connection, resource_type: str, resource_id: str) -> list[Row]:
    """The operations on a resource that have not ended, oldest first."""
    query = sa.select(ops).where(
        ops.c.resource_type == resource_type,
        ops.c.resource_id == resource_id,
        ops.c.state.in_(states.OP_OPEN),
    )
    return list(conn.execute(query.order_by(ops.c.created_at)).mappings())


def of_request(conn: Connection, request_id: str) -> list[Row]:
    """The operations that one API request made, oldest first."""
    query = sa.select(ops).where(ops.c.request_id == request_id)
    return list(conn.execute(query.order_by(ops.c.created_at, ops.c.id)).mappings())


def readdress(conn: Connection, operation_id: str, values: dict[str, Any]) -> None:
    """Send a pending operation on to the service that does its next part.

    :raises OperationLost: if it is not pending any more
    """
    done = conn.execute(
        sa.update(ops)
        .where(ops.c.id == operation_id, ops.c.state == Op.PENDING)
        .values(**values)
    )
    if not done.rowcount:
        raise exceptions.OperationLost(operation_id=operation_id)
