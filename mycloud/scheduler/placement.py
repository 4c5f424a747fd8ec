"""Choose a host for an operation's server, or a pool for its volume, and claim it, in one
transaction.

A second doorbell, or a second scheduler, finds the operation no longer addressed to the
scheduler and does nothing. If another claim moved the generation of the chosen host, or of the
server's group, since they were read, the whole choice is made again.
"""

import logging
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.common import clock, concurrency, exceptions
from mycloud.common.states import Op, StepState, Task
from mycloud.db import engine, group_claims, hosts, journal, servers, settle
from mycloud.scheduler import refusals, rpcapi, selection
from mycloud.scheduler.chain import Chain
from mycloud.scheduler.volumes import placement as volume_placement

LOG = logging.getLogger(__name__)

Row = Mapping[str, Any]


#: Placements of one process take turns: they would all choose the same host and then all but
#: one would have to choose again.
_turn = concurrency.Lock()


@engine.retried
def place(chain: Chain, operation_id: str) -> list[dict[str, Any]]:
    """Place the server or the volume of a pending operation; returns the bells to ring.

    :raises ClaimContended: when others were quicker too often
    :raises DatabaseUnavailable: when nothing is known to have happened
    """
    started = clock.now()
    with _turn, engine.writer() as conn:
        row = journal.lock(conn, operation_id)
        if row["state"] != Op.PENDING or row["topic"] != rpcapi.TOPIC:
            LOG.debug("Operation %s is placed already", operation_id)
            return []
        if row["resource_type"] == "volume":
            return volume_placement.place(conn, row, started)
        server = servers.get(conn, row["resource_id"], deleted=True)
        found = selection.select(conn, chain, server, row["payload"])
        step = {
            "seq": journal.last_seq(conn, operation_id) + 1,
            "name": "schedule",
            "host": "scheduler",
            "attempt": row["attempt"],
            "started_at": started,
            "finished_at": clock.now(),
        }
        if found.may_come and refusals.age(row, started) < cfg.CONF.scheduler.host_patience:
            # after an outage of the bus or the database every host has been silent: what was
            # accepted then must not fail before they had a chance to report in
            LOG.info("Operation %s waits for a host that is silent", operation_id)
            return []
        if not found.ranked:
            error = exceptions.NoValidHost(reason=found.refusal)
            return refusals.refuse(conn, row, step, error)
        return _claim(conn, row, step, found)


def _claim(
    conn: Connection, row: Row, step: dict[str, Any], found: selection.Selection
) -> list[dict[str, Any]]:
    best, *others = found.ranked
    group = found.request.group
    if (group is not None and not group_claims.take(conn, group)) or not hosts.claim(
        conn, best.row, row["resource_id"], best.amounts
    ):
        # somebody else was placed there, or in this group, since it was read: choose again
        raise db_exc.RetryRequest(exceptions.ClaimContended())
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
            {
                "host_id": other.state.id,
                "amounts": other.amounts,
                "limits": other.state.limits,
                "availability_zone": other.state.availability_zone,
            }
            for other in others[: cfg.CONF.scheduler.max_attempts - 1]
        ],
    }
    journal.readdress(conn, row["id"], moved)
    return [settle.bell(row, topic="compute", host=best.state.host)]
