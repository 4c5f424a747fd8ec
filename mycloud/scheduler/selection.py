"""From all hosts to a ranked list: filters, then weighers."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import clock
from mycloud.db import hosts
from mycloud.scheduler.host_state import HostState, Ratios, Request

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """A host that fits: its row as it was read, and what the server will take of it."""

    row: Row
    state: HostState
    amounts: dict[str, int]


def select(
    conn: Connection, server: Row, payload: dict[str, Any]
) -> tuple[list[Choice], str]:
    """The hosts that fit, best first; and if there is none, why, for the person who asked."""
    request = _request(server, payload)
    now = clock.now()
    rows = hosts.every(conn)
    states = [_state(row, now) for row in rows]
    fitting = [
        (row, state)
        for row, state in zip(rows, states, strict=True)
        if state.out_of_service is None
        and all(state.free(name) >= amount for name, amount in request.amounts.items())
    ]
    fitting.sort(key=lambda pair: -pair[1].free("memory_mb"))
    if not fitting:
        return [], f"None of the {len(rows)} hosts fits."
    return [Choice(row, state, request.amounts) for row, state in fitting], ""


def _request(server: Row, payload: dict[str, Any]) -> Request:
    return Request(
        amounts={
            "vcpus": server["vcpus"],
            "memory_mb": server["memory_mb"],
            "disk_gb": server["root_gb"] + server["ephemeral_gb"]
            + (server["swap_mb"] + 1023) // 1024,
        },
        availability_zone=server["requested_az"],
        host=payload.get("requested_host"),
        node=payload.get("requested_node"),
        extra_specs=server["flavor"].get("extra_specs", {}),
        image_properties=server["image_properties"] or {},
        hints=server["scheduler_hints"] or {},
    )


def _state(row: Row, now: datetime.datetime) -> HostState:
    options = cfg.CONF.scheduler
    ratios = Ratios(
        vcpus=options.cpu_allocation_ratio,
        memory_mb=options.ram_allocation_ratio,
        disk_gb=options.disk_allocation_ratio,
    )
    return HostState.of(
        row,
        ratios,
        zone=cfg.CONF.default_availability_zone,
        out_of_service=_out_of_service(row, now),
    )


def _out_of_service(row: Row, now: datetime.datetime) -> str | None:
    if row["service_disabled"]:
        return f"disabled ({row['service_disabled_reason'] or 'no reason given'})"
    if row["service_forced_down"]:
        return "forced down"
    seen = row["service_last_seen_at"]
    if seen is None or (now - seen).total_seconds() > cfg.CONF.service_down_time:
        return "down"
    return None
