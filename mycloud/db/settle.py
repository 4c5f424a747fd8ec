"""How operations end: the operation, its resource and its claims move in one transaction."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common.states import BESIDE, Op, StepState
from mycloud.db import (
    attachments,
    backups,
    group_claims,
    hosts,
    journal,
    servers,
    snapshots,
    volume_pools,
    volumes,
)
from mycloud.db.models import operation_steps as steps

Row = Mapping[str, Any]
#: What the end of an operation does to its resource; returns operations that follow.
Settle = Callable[[Connection, Row, Op, dict[str, Any], datetime.datetime], list[Row]]

#: resource type -> what settles it; an operation beside others on a server settles otherwise
BY_TYPE: dict[str, Settle] = {
    "backup": backups.settle,
    "host": hosts.settle,
    "server": servers.settle,
    "snapshot": snapshots.settle,
    "volume": attachments.settle_volume,
}


def bell(row: Row, **other: Any) -> dict[str, Any]:
    """What is needed to ring an operation's bell: id, topic and host."""
    return {"id": row["id"], "topic": row["topic"], "host": row["host"], **other}


def close(
    conn: Connection,
    row: Row,
    outcome: Op,
    values: dict[str, Any],
    now: datetime.datetime,
) -> list[dict[str, Any]]:
    """End a held operation and free those that waited for it; returns the bells to ring.

    ``values``: code, reason, traceback of the operation, and ``changes``: columns of the
    resource.
    """
    changes = values.pop("changes", {})
    if row["payload"].get("admin_pass"):
        # a secret is kept no longer than the work needs it
        values["payload"] = {**row["payload"], "admin_pass": None}
    journal.move(
        conn,
        row["id"],
        [Op(row["state"])],
        {"state": outcome, "finished_at": now, "updated_at": now, **values},
    )
    by = attachments.settle if row["kind"] in BESIDE else BY_TYPE[row["resource_type"]]
    bells = [bell(follower) for follower in by(conn, row, outcome, changes, now)]
    backups.release_source(conn, row, now)
    if not row["cancel_requested"]:
        # only who asked for the cancellation waits
        return bells
    return bells + [bell(waiter) for waiter in journal.release_waiters(conn, row["id"], now)]


def fail(
    conn: Connection, row: Row, failure: dict[str, Any], now: datetime.datetime
) -> list[dict[str, Any]]:
    """End a held operation in failure, or hand it to its next ranked host.

    ``failure``: code, message, traceback, and maybe changes (columns of the resource) and
    ``final`` (another host would fail as well). Returns the bells to ring.
    """
    if row["kind"] in _NEXT and not failure.get("final"):
        bells = _NEXT[row["kind"]](conn, row, now)
        if bells:
            return bells
    message = failure["message"]
    # of others, a host may have failed more than once: with each life of its service
    tried = _failed_hosts(conn, row["id"]) if row["kind"] in _NEXT else []
    if len(tried) > 1:
        message = f"Every host that was tried failed: {'; '.join(tried)}"
    fault = {
        "code": failure.get("status", 500),
        "message": message,
        "details": failure.get("traceback"),
        "created": now.isoformat(timespec="seconds") + "Z",
    }
    return close(
        conn,
        row,
        Op.FAILED,
        {
            "code": failure["code"],
            "reason": message,
            "traceback": failure.get("traceback"),
            "changes": {**failure.get("changes", {}), "fault": fault},
        },
        now,
    )


def _failed_hosts(conn: Connection, operation_id: str) -> list[str]:
    query = (
        sa.select(steps.c.host, steps.c.detail)
        .where(steps.c.operation_id == operation_id, steps.c.state == StepState.FAILED)
        .order_by(steps.c.seq)
    )
    return [f"{host}: {detail}" for host, detail in conn.execute(query)]


def pass_on(conn: Connection, row: Row, now: datetime.datetime) -> list[dict[str, Any]]:
    """Put a locked, pending create onto its next ranked host; returns the bells to ring.

    Where none of them fits nothing is changed: the host that has it may come back. For creates
    that no host has begun: what has been begun is undone by the host itself.
    """
    with conn.begin_nested() as attempt:
        bells = _next_host(conn, row, now)
        if not bells:
            attempt.rollback()
    return bells


def _next_host(conn: Connection, row: Row, now: datetime.datetime) -> list[dict[str, Any]]:
    """Claim the next ranked host that still fits and put the operation there."""
    alternates = list(row["alternates"] or [])
    if row["cancel_requested"] or not alternates:
        return []
    server = servers.get(conn, row["resource_id"])
    if server["operation_id"] != row["id"]:
        return []
    hosts.release(conn, server["id"])
    while alternates:
        chosen = alternates.pop(0)
        host = _claim(conn, server, chosen, now)
        if host is None:
            continue
        servers.update(
            conn,
            server["id"],
            {
                "host": host["host"],
                "node": host["hypervisor_hostname"],
                "availability_zone": chosen["availability_zone"],
                "updated_at": now,
            },
        )
        moved = {
            "host": host["host"],
            "owner": None,
            "owner_epoch": None,
            "attempt": row["attempt"] + 1,
            "alternates": alternates,
            "rung_at": None,
            "updated_at": now,
        }
        if row["state"] == Op.PENDING:
            journal.readdress(conn, row["id"], moved)
        else:
            journal.move(conn, row["id"], [Op.RUNNING], {"state": Op.PENDING, **moved})
        return [bell(row, host=host["host"])]
    return []


def _claim(
    conn: Connection, server: Row, chosen: dict[str, Any], now: datetime.datetime
) -> Row | None:
    """The host of an alternate with the claim made; None if it does not fit any more.

    A claim that another one overtakes is tried again, a few times.
    """
    for _ in range(3):
        group = group_claims.load(conn, server)
        host = hosts.get_with_service(conn, chosen["host_id"])
        if host is None or hosts.out_of_service(host, now, cfg.CONF.service_down_time):
            return None
        if not _fits(host, chosen) or (group and not group.admits(host["host"])):
            return None
        if (group is None or group_claims.take(conn, group)) and hosts.claim(
            conn, host, server["id"], chosen["amounts"]
        ):
            return host
    return None


def _fits(host: Row, chosen: dict[str, Any]) -> bool:
    """``limits`` are what the scheduler computed: capacity times over-subscription."""
    return all(
        host[f"{name}_used"] + chosen["amounts"][name] <= chosen["limits"][name]
        for name in hosts.AMOUNTS
    )


def _next_pool(conn: Connection, row: Row, now: datetime.datetime) -> list[dict[str, Any]]:
    """Claim the next ranked pool for a volume and put the operation on its service."""
    alternates = list(row["alternates"] or [])
    if row["cancel_requested"] or not alternates:
        return []
    volume = volumes.get(conn, row["resource_id"])
    if volume["operation_id"] != row["id"]:
        return []
    while alternates:
        chosen = alternates.pop(0)
        pool = volume_pools.get_with_service(conn, chosen["pool_id"])
        if (
            pool is None
            or pool["service_trouble"]
            or hosts.out_of_service(pool, now, cfg.CONF.service_down_time)
            or not volume_pools.claim(conn, pool, volume["size_gb"])
        ):
            continue
        volume_pools.release(conn, volume["host"], volume["size_gb"])
        place = volume_pools.join(pool["host"], pool["pool"])
        volumes.update(conn, volume["id"], {"host": place, "updated_at": now})
        moved = {
            "state": Op.PENDING,
            "host": pool["host"],
            "owner": None,
            "owner_epoch": None,
            "attempt": row["attempt"] + 1,
            "alternates": alternates,
            "rung_at": None,
            "updated_at": now,
        }
        journal.move(conn, row["id"], [Op.RUNNING], moved)
        return [bell(row, host=pool["host"])]
    return []


#: What is tried elsewhere when it fails.
_NEXT: dict[str, Callable[[Connection, Row, datetime.datetime], list[dict[str, Any]]]] = {
    "server.create": _next_host,
    "volume.create": _next_pool,
}
