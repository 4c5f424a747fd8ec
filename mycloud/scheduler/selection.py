"""From a server and the database to the ranked list of hosts that fit."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import clock
from mycloud.db import aggregates, group_claims, hosts, servers
from mycloud.scheduler.chain import Chain
from mycloud.scheduler.explain import explain
from mycloud.scheduler.filters.capabilities import asks_for_aggregates
from mycloud.scheduler.host_state import HostState, Ratios, Request

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """A host that fits: its row as it was read, and what the server will take of it."""

    row: Row
    state: HostState
    amounts: dict[str, int]


@dataclass(frozen=True)
class Selection:
    """``ranked``: best first. ``refusal``: if there is none, why, for the person who asked.
    ``may_come``: there is none, but a host that has only been silent for too long would do."""

    ranked: list[Choice]
    request: Request
    refusal: str = ""
    may_come: bool = False


def select(conn: Connection, chain: Chain, server: Row, payload: dict[str, Any]) -> Selection:
    """The hosts that fit a server, by what the database says now."""
    # the group's generation before anything that its members have claimed
    request = _request(conn, server, payload)
    now = clock.now()
    rows = hosts.every(conn)
    ratios = _ratios()
    states = [_state(row, ratios, now) for row in rows]
    if asks_for_aggregates(request.extra_specs):
        said = aggregates.metadata_by_host(conn)
        states = [replace(state, aggregates=said.get(state.host, {})) for state in states]
    by_id = {row["id"]: row for row in rows}
    ranked = [
        Choice(by_id[state.id], state, request.amounts) for state in chain.rank(states, request)
    ]
    if not ranked:
        silent = [
            replace(state, out_of_service=None)
            for state in states
            if state.out_of_service == hosts.SILENT
        ]
        return Selection(
            [],
            request,
            explain(chain.filters, states, request),
            may_come=bool(chain.rank(silent, request)),
        )
    return Selection(ranked, request)


def _request(conn: Connection, server: Row, payload: dict[str, Any]) -> Request:
    hints = server["scheduler_hints"] or {}
    request = Request(
        amounts={
            "vcpus": server["vcpus"],
            "memory_mb": server["memory_mb"],
            # a volume takes nothing of the host
            "disk_gb": (0 if payload.get("volume_booted") else server["root_gb"])
            + server["ephemeral_gb"] + (server["swap_mb"] + 1023) // 1024,
        },
        availability_zone=server["requested_az"],
        host=payload.get("requested_host"),
        node=payload.get("requested_node"),
        extra_specs=server["flavor"].get("extra_specs") or {},
        image_properties=server["image_properties"] or {},
        group=group_claims.load(conn, server),
        hints=hints,
    )
    named = request.hinted("same_host") + request.hinted("different_host")
    if named:
        found = servers.hosts_of(conn, named, project_id=server["project_id"])
        request.hinted_hosts.update(found)
    return request


def _ratios() -> Ratios:
    options = cfg.CONF.scheduler
    return Ratios(
        vcpus=options.cpu_allocation_ratio,
        memory_mb=options.ram_allocation_ratio,
        disk_gb=options.disk_allocation_ratio,
    )


def _state(row: Row, ratios: Ratios, now: datetime.datetime) -> HostState:
    return HostState.of(
        row,
        ratios,
        zone=cfg.CONF.default_availability_zone,
        out_of_service=hosts.out_of_service(row, now, cfg.CONF.service_down_time),
    )
