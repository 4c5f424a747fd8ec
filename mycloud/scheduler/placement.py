"""Choose a host for an operation's server and claim it, in one transaction.

A second doorbell, or a second scheduler, finds the operation no longer addressed to the
scheduler and does nothing. If another claim moved the chosen host's generation meanwhile, the
whole choice is made again.
"""

import logging
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.common import clock
from mycloud.common.states import Op, StepState, Task
from mycloud.db import engine, hosts, journal, servers, settle
from mycloud.scheduler import rpcapi, selection

LOG = logging.getLogger(__name__)

Row = Mapping[str, Any]


@engine.retried
def place(operation_id: str) -> list[dict[str, Any]]:
    """Place the server of a pending operation; returns the bells to ring."""
    started = clock.now()
    with engine.writer() as conn:
        row = journal.get(conn, operation_id)
        if row["state"] != Op.PENDING or row["topic"] != rpcapi.TOPIC:
            LOG.debug("Operation %s is placed already", operation_id)
            return []
        server = servers.get(conn, row["resource_id"], deleted=True)
        ranked, refusal = selection.select(conn, server, row["payload"])
        step = {
            "seq": journal.last_seq(conn, operation_id) + 1,
            "name": "schedule",
            "host": "scheduler",
            "attempt": row["attempt"],
            "started_at": started,
            "finished_at": clock.now(),
        }
        if not ranked:
            return _refuse(conn, row, step, refusal)
        return _claim(conn, row, step, ranked)


def _refuse(
    conn: Connection, row: Row, step: dict[str, Any], refusal: str
) -> list[dict[str, Any]]:
    message = f"No valid host was found. {refusal}"
    journal.insert_step(
        conn, row["id"], {**step, "state": StepState.FAILED, "detail": message}
    )
    return settle.fail(
        conn,
        row,
        {"code": "no_valid_host", "status": 500, "message": message, "final": True},
        clock.now(),
    )


def _claim(
    conn: Connection, row: Row, step: dict[str, Any], ranked: list[selection.Choice]
) -> list[dict[str, Any]]:
    best, *others = ranked
    if not hosts.claim(conn, best.row, row["resource_id"], best.amounts):
        # somebody else claimed on this host since it was read: choose again
        raise db_exc.RetryRequest(None)
    now = clock.now()
    servers.update(
        conn,
        row["resource_id"],
        {
            "host": best.state.host,
            "node": best.state.node,
            "availability_zone": best.state.availability_zone,
            "task_state": Task.SPAWNING,
            "updated_at": now,
        },
        operation_id=row["id"],
    )
    journal.insert_step(
        conn,
        row["id"],
        {**step, "state": StepState.DONE, "detail": f"chose {best.state.host}"},
    )
    moved = {
        "state": Op.PENDING,
        "topic": "compute",
        "host": best.state.host,
        "attempt": 1,
        "rung_at": now,
        "updated_at": now,
        "alternates": [
            {"host_id": other.state.id, "amounts": other.amounts, "limits": other.state.limits}
            for other in others[: cfg.CONF.scheduler.max_attempts - 1]
        ],
    }
    journal.readdress(conn, row["id"], moved)
    return [settle.bell(row, topic="compute", host=best.state.host)]
