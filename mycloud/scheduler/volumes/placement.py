"""Choose a pool for an operation's volume and claim it, in the transaction of the scheduler's
placement. If another claim moved the pool's generation since it was read, the choice is made
again.
"""

import datetime
import logging
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions, states
from mycloud.common.states import Migration, StepState
from mycloud.db import hosts, journal, servers, settle, volume_pools, volumes
from mycloud.scheduler import refusals
from mycloud.scheduler.volumes import filters, moves
from mycloud.scheduler.volumes.pool_state import PoolState, Request

LOG = logging.getLogger(__name__)

Row = Mapping[str, Any]

def place(conn: Connection, row: Row, started: datetime.datetime) -> list[dict[str, Any]]:
    """Place the volume of a locked, pending operation; returns the bells to ring.

    :raises RetryRequest: another claim was quicker: all of it must be done again
    """
    volume = volumes.get(conn, row["resource_id"], deleted=True)
    rows = volume_pools.every(conn)
    pools = [_state(each, started) for each in rows]
    request = _request(conn, volume, row["payload"])
    step = {
        # what was never tried has no steps yet
        "seq": (journal.last_seq(conn, row["id"]) if row["attempt"] else 0) + 1,
        "name": "schedule",
        "host": "scheduler",
        "attempt": row["attempt"],
        "started_at": started,
        "finished_at": clock.now(),
    }
    if row["kind"] in states.MOVES:
        refusal = moves.refusal(row, volume, pools, request)
        if refusal is not None:
            error = exceptions.NoValidBackend(reason=refusal)
            return refusals.refuse(conn, row, step, error)
        if moves.stays(row, volume, pools, request):
            return moves.stay(conn, row, step)
    ranked = rank(pools, request)
    if not ranked and _may_come(pools) and refusals.age(row, started) < _patience():
        LOG.info("Operation %s waits for a backend that is silent", row["id"])
        return []
    if not ranked:
        return refusals.refuse(
            conn, row, step, exceptions.NoValidBackend(reason=filters.explain(pools, request))
        )
    by_id = {each["id"]: each for each in rows}
    if not volume_pools.claim(conn, by_id[ranked[0].id], volume["size_gb"]):
        raise db_exc.RetryRequest(exceptions.ClaimContended())
    return _send(conn, row, step, ranked)


def rank(pools: list[PoolState], request: Request) -> list[PoolState]:
    """The pools that fit, the one with the most room first."""
    fitting = [
        pool for pool in pools if not any(each.refuses(pool, request) for each in filters.FILTERS)
    ]
    shuffled = clock.shuffled(fitting)
    return sorted(shuffled, key=lambda pool: -pool.room_gb(thin=request.thin))


def _state(row: Row, now: datetime.datetime) -> PoolState:
    return PoolState.of(
        row,
        zone=cfg.CONF.default_availability_zone,
        out_of_service=hosts.out_of_service(row, now, cfg.CONF.service_down_time),
    )


def _request(conn: Connection, volume: Row, payload: Row) -> Request:
    # an operator who names a place for one that lies elsewhere knows why
    told = bool(payload.get("place") and payload.get("not_place"))
    hints = {} if told else volume["scheduler_hints"] or {}
    named = [
        each
        for name in ("same_host", "different_host")
        for each in filters.ids(hints.get(name))
    ]
    near = hints.get("local_to_instance")
    return Request(
        size_gb=volume["size_gb"],
        availability_zone=None if told else volume["availability_zone"],
        extra_specs=payload.get("extra_specs") or {},
        multiattach=payload.get("multiattach", volume["multiattach"]),
        hints=hints,
        hinted=volumes.places_of(conn, named, project_id=volume["project_id"]),
        near_host=servers.hosts_of(conn, [near], project_id=volume["project_id"]).get(near)
        if isinstance(near, str)
        else None,
        place=payload.get("place"),
        not_place=payload.get("not_place"),
    )


def _may_come(pools: list[PoolState]) -> bool:
    return any(pool.out_of_service == hosts.SILENT for pool in pools) or not pools


def _patience() -> float:
    patience: float = cfg.CONF.scheduler.host_patience
    return patience


def _send(
    conn: Connection, row: Row, step: dict[str, Any], ranked: list[PoolState]
) -> list[dict[str, Any]]:
    best, *others = ranked
    now = clock.now()
    placed: dict[str, Any] = {
        "host": best.place, "availability_zone": best.availability_zone, "scheduled_at": now,
    }
    payload = row["payload"]
    if row["kind"] in states.MOVES:
        # it lies where it lay until all of it is there
        placed = {"moves_to": best.place, "migration_status": Migration.MIGRATING}
        payload, others = {**payload, "to": best.place, "pool": best.pool}, []
    volumes.update(
        conn, row["resource_id"], {**placed, "updated_at": now}, operation_id=row["id"]
    )
    journal.insert_step(
        conn, row["id"], {**step, "state": StepState.DONE, "detail": f"chose {best.place}"}
    )
    journal.readdress(
        conn,
        row["id"],
        {
            "topic": "volume",
            "host": best.host,
            "payload": payload,
            "attempt": 1,
            "rung_at": now,
            "updated_at": now,
            "alternates": [
                {"pool_id": other.id} for other in others[: cfg.CONF.scheduler.max_attempts - 1]
            ],
        },
    )
    return [settle.bell(row, topic="volume", host=best.host)]
