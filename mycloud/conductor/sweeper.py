"""Looks after operations that nobody works on: rings again, hands over, ends what is too late."""

import datetime
import logging
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.states import Op, StepState
from mycloud.conductor import rpcapi
from mycloud.db import engine, journal, services, settle
from mycloud.journal import rpcapi as doorbell

LOG = logging.getLogger(__name__)

Row = Mapping[str, Any]

#: Operations rung again in one sweep; the rest follows in the next ones.
BATCH = 200


def sweep(ctxt: Any) -> None:
    """One look at the journal. Any number of conductors may do it at once."""
    now = clock.now()
    bells = _hand_over(now) + _expire(now) + _free_waiters(now) + _ring_again(now)
    for bell in bells:
        doorbell.ring(ctxt, bell)


def _ring_again(now: datetime.datetime) -> list[dict[str, Any]]:
    before = now - datetime.timedelta(seconds=cfg.CONF.conductor.ring_again_after)
    with engine.reader() as conn:
        rows = journal.pending_since(conn, before, BATCH)
    if not rows:
        return []
    bells: list[dict[str, Any]] = []
    with engine.writer() as conn:
        journal.note_rung(conn, [row["id"] for row in rows], now)
        down = _down_hosts(conn, now)
        for row in rows:
            if row["kind"] == "server.create" and row["host"] in down:
                bells += _pass_on(conn, row, now)
            if row["kind"] == "server.delete" and row["host"] in down:
                # its host cleans up when it is back: what it has of no living server goes
                LOG.info("Host %s is down: deleting %s without it", row["host"],
                         row["resource_id"])
                journal.readdress(conn, row["id"], {"topic": rpcapi.TOPIC, "host": None})
    return bells + [settle.bell(row) for row in rows if row["host"] not in down]


def _pass_on(conn: Connection, seen: Row, now: datetime.datetime) -> list[dict[str, Any]]:
    """Let another host build what the one that is down has not begun."""
    row = journal.lock(conn, seen["id"])
    if row["state"] != Op.PENDING or row["host"] != seen["host"] or row["started_at"]:
        return []
    bells = settle.pass_on(conn, row, now)
    for bell in bells:
        LOG.info("Host %s is down: %s builds %s", row["host"], bell["host"], row["resource_id"])
    return bells


def _down_hosts(conn: Connection, now: datetime.datetime) -> set[str]:
    limit = now - datetime.timedelta(seconds=cfg.CONF.service_down_time)
    return {
        row["host"]
        for row in services.every(conn, binary="mycloud-compute")
        if row["forced_down"] or row["last_seen_at"] is None or row["last_seen_at"] < limit
    }


def _hand_over(now: datetime.datetime) -> list[dict[str, Any]]:
    """Running operations whose owner's epoch is gone become pending again."""
    with engine.reader() as conn:
        epochs = {row["id"]: row["epoch"] for row in services.every(conn)}
        orphans = [
            row
            for row in journal.in_state(conn, Op.RUNNING)
            if epochs.get(row["owner"]) != row["owner_epoch"]
        ]
    bells = []
    for row in orphans:
        with engine.writer() as conn:
            try:
                held = journal.hold(conn, row["id"], row["owner_epoch"])
            except exceptions.OperationLost:
                continue
            journal.end_running_steps(
                conn, row["id"], StepState.FAILED, now, detail="the service was restarted"
            )
            journal.move(
                conn,
                row["id"],
                [Op.RUNNING],
                {"state": Op.PENDING, "owner": None, "owner_epoch": None, "rung_at": now,
                 "updated_at": now},
            )
        LOG.info("Handing over operation %s: its worker is gone", row["id"])
        bells.append(settle.bell(held))
    return bells


def _expire(now: datetime.datetime) -> list[dict[str, Any]]:
    """Operations past their deadline fail; their worker, if it still lives, has lost them."""
    with engine.reader() as conn:
        late = [
            row
            for state in (Op.PENDING, Op.RUNNING)
            for row in journal.in_state(conn, state)
            if row["deadline_at"] is not None and row["deadline_at"] < now
        ]
    bells: list[dict[str, Any]] = []
    for row in late:
        allowed = (row["deadline_at"] - row["created_at"]).total_seconds()
        error = exceptions.OperationTimedOut(seconds=round(allowed))
        with engine.writer() as conn:
            held = journal.lock(conn, row["id"])
            if Op(held["state"]) not in (Op.PENDING, Op.RUNNING):
                continue
            journal.end_running_steps(
                conn, row["id"], StepState.FAILED, now, detail=error.message
            )
            bells += settle.fail(
                conn,
                held,
                {"code": error.code, "status": 500, "message": error.message, "final": True},
                now,
            )
    return bells


def _free_waiters(now: datetime.datetime) -> list[dict[str, Any]]:
    """Waiting operations whose forerunner has ended without freeing them."""
    bells: list[dict[str, Any]] = []
    with engine.reader() as conn:
        waiting = journal.in_state(conn, Op.WAITING)
    for row in waiting:
        with engine.writer() as conn:
            first = journal.get(conn, row["waits_for"])
            if Op(first["state"]) in (Op.SUCCEEDED, Op.FAILED, Op.CANCELLED):
                bells += [
                    settle.bell(freed) for freed in journal.release_waiters(conn, first["id"], now)
                ]
    return bells
