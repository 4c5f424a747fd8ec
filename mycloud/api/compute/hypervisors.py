"""Hypervisors: the compute hosts, what they have and what is taken of it."""

import json
from collections.abc import Mapping
from typing import Any

from oslo_utils import strutils

from mycloud.api import paging, wsgi
from mycloud.api.compute import legacy_ids
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.versions import Version
from mycloud.common import exceptions
from mycloud.compute.requests import hosts
from mycloud.db import engine
from mycloud.db import hypervisors as db_hypervisors
from mycloud.db.hypervisors import Row

_CPU_OBJECT = Version(2, 28)
_PAGED = Version(2, 33)
_UUIDS = Version(2, 53)

_PATTERN = {"type": "string", "minLength": 1, "maxLength": 255}
_BOOLEAN = {
    "enum": [
        "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes",
        "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no",
    ]
}  # fmt: skip


def _query(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": True}


_LIST_QUERY = [
    ("2.1", NO_QUERY),
    ("2.33", _query(limit=paging.LIMIT, marker=paging.MARKER)),
    (
        "2.53",
        _query(
            limit=paging.LIMIT,
            marker=paging.MARKER,
            hypervisor_hostname_pattern=_PATTERN,
            with_servers=_BOOLEAN,
        ),
    ),
]
_SHOW_QUERY = [("2.1", NO_QUERY), ("2.53", _query(with_servers=_BOOLEAN))]

#: The name in the answer -> the column.
_SUMS = {
    "vcpus": "vcpus",
    "memory_mb": "memory_mb",
    "local_gb": "disk_gb",
    "vcpus_used": "vcpus_used",
    "memory_mb_used": "memory_mb_used",
    "local_gb_used": "disk_gb_used",
    "running_vms": "running_vms",
    "disk_available_least": "free_disk_gb",
}


def _brief(request: wsgi.Request, row: Row) -> dict[str, Any]:
    legacy = request.version < _UUIDS
    return {
        "id": legacy_ids.number_of(row["id"]) if legacy else row["id"],
        "hypervisor_hostname": row["hypervisor_hostname"],
        "state": "up" if hosts.is_up(row) else "down",
        "status": "disabled" if row["service_disabled"] else "enabled",
    }


def _amounts(row: Mapping[str, Any]) -> dict[str, int]:
    """Memory in MiB, disk in GiB."""
    found = {name: row[column] for name, column in _SUMS.items()}
    return {
        **found,
        "free_ram_mb": found["memory_mb"] - found["memory_mb_used"],
        "free_disk_gb": found["local_gb"] - found["local_gb_used"],
    }


def _full(request: wsgi.Request, row: Row, workloads: dict[str, int]) -> dict[str, Any]:
    legacy = request.version < _UUIDS
    cpu_info = row["cpu_info"] or {}
    service_id = row["service_id"]
    return {
        **_brief(request, row),
        **_amounts(row),
        "hypervisor_type": row["hypervisor_type"],
        "hypervisor_version": row["hypervisor_version"],
        "cpu_info": cpu_info if request.version >= _CPU_OBJECT else json.dumps(cpu_info),
        "current_workload": workloads.get(row["host"], 0),
        "host_ip": row["host_ip"],
        "service": {
            "id": legacy_ids.number_of(service_id) if legacy else service_id,
            "host": row["host"],
            "disabled_reason": row["service_disabled_reason"],
        },
    }


def _with_servers(shown: dict[str, Any], found: list[Row] | None) -> dict[str, Any]:
    if found:
        shown["servers"] = [{"uuid": row["id"], "name": row["name"]} for row in found]
    return shown


def _wants_servers(request: wsgi.Request) -> bool:
    return request.version >= _UUIDS and strutils.bool_from_string(
        request.query.get("with_servers", "False")
    )


def _marker(request: wsgi.Request, rows: list[Row], marker: str | None) -> str | None:
    """:raises UnknownMarker:"""
    if marker is None:
        return None
    if request.version < _UUIDS:
        row = legacy_ids.find(rows, marker)
    else:
        row = next((row for row in rows if row["id"] == marker), None)
    if row is None:
        raise exceptions.UnknownMarker(marker=marker)
    return str(row["id"])


def _list(request: wsgi.Request, *, full: bool) -> dict[str, Any]:
    paged = request.version >= _PAGED
    query = request.query if paged else {}
    pattern = query.get("hypervisor_hostname_pattern") if request.version >= _UUIDS else None
    marker = query.get("marker")
    with engine.reader() as conn:
        after = _marker(request, db_hypervisors.every(conn), marker) if marker else None
        page = db_hypervisors.every(
            conn,
            pattern=pattern,
            marker=after,
            limit=paging.limit_of(request) if paged else None,
        )
        names = [row["host"] for row in page]
        workloads = db_hypervisors.workloads(conn, names) if full else {}
        members = db_hypervisors.servers_of(conn, names) if _wants_servers(request) else {}
    if pattern is not None and not page:
        raise _no_match(pattern)
    shown = [_full(request, row, workloads) if full else _brief(request, row) for row in page]
    for entry, row in zip(shown, page, strict=True):
        _with_servers(entry, members.get(row["host"]))
    answer: dict[str, Any] = {"hypervisors": shown}
    if paged and page and (more := paging.next_links(request, page, str(shown[-1]["id"]))):
        answer["hypervisors_links"] = more
    return answer


def _no_match(pattern: str) -> exceptions.NotFound:
    return exceptions.NotFound(f"No hypervisor matching '{pattern}' could be found.")


def index(request: wsgi.Request) -> dict[str, Any]:
    return _list(request, full=False)


def detail(request: wsgi.Request) -> dict[str, Any]:
    return _list(request, full=True)


def _load(request: wsgi.Request) -> Row:
    """The host that the path names, by its number before 2.53.

    :raises HostNotFound:
    """
    given = request.args["hypervisor_id"]
    with engine.reader() as conn:
        if request.version >= _UUIDS:
            return db_hypervisors.get(conn, given)
        row = legacy_ids.find(db_hypervisors.every(conn), given)
    if row is None:
        raise exceptions.HostNotFound(host=given)
    return row


def show(request: wsgi.Request) -> dict[str, Any]:
    row = _load(request)
    names = [row["host"]]
    with engine.reader() as conn:
        workloads = db_hypervisors.workloads(conn, names)
        members = db_hypervisors.servers_of(conn, names) if _wants_servers(request) else {}
    shown = _full(request, row, workloads)
    return {"hypervisor": _with_servers(shown, members.get(row["host"]))}


def uptime(request: wsgi.Request) -> dict[str, Any]:
    row = _load(request)
    if not hosts.is_up(row):
        raise exceptions.Invalid(
            f"Compute host {row['host']} is down, so its uptime is not known."
        )
    return {
        "hypervisor": {**_brief(request, row), "uptime": hosts.uptime(request.context, row)}
    }


def search(request: wsgi.Request) -> dict[str, Any]:
    """Before 2.53: hosts by a part of their name, which stands where the id is elsewhere."""
    pattern = request.args["hypervisor_id"]
    with engine.reader() as conn:
        found = db_hypervisors.every(conn, pattern=pattern)
    if not found:
        raise _no_match(pattern)
    return {"hypervisors": [_brief(request, row) for row in found]}


def servers(request: wsgi.Request) -> dict[str, Any]:
    """Before 2.53: the same with their servers."""
    pattern = request.args["hypervisor_id"]
    with engine.reader() as conn:
        found = db_hypervisors.every(conn, pattern=pattern)
        members = db_hypervisors.servers_of(conn, [row["host"] for row in found])
    if not found:
        raise _no_match(pattern)
    return {
        "hypervisors": [
            _with_servers(_brief(request, row), members.get(row["host"])) for row in found
        ]
    }


def statistics(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        found = [row for row in db_hypervisors.every(conn) if not row["service_disabled"]]
        workloads = db_hypervisors.workloads(conn, [row["host"] for row in found])
    totals = dict.fromkeys((*_SUMS, "free_ram_mb", "free_disk_gb"), 0)
    for row in found:
        for name, amount in _amounts(row).items():
            totals[name] += amount
    return {
        "hypervisor_statistics": {
            **totals,
            "count": len(found),
            "current_workload": sum(workloads.values()),
        }
    }


_ONE = "/os-hypervisors/{hypervisor_id}"


def _row(path: str, handler: Any, rule: str, **more: Any) -> Route:
    more.setdefault("query", NO_QUERY)
    return Route("GET", path, handler, f"compute:hypervisors:{rule}", **more)


ROWS = [
    _row("/os-hypervisors", index, "list", query=_LIST_QUERY),
    _row("/os-hypervisors/detail", detail, "detail", query=_LIST_QUERY),
    _row("/os-hypervisors/statistics", statistics, "statistics"),
    _row(_ONE, show, "show", query=_SHOW_QUERY),
    _row(f"{_ONE}/uptime", uptime, "uptime"),
    _row(f"{_ONE}/search", search, "search", versions=("", "2.52")),
    _row(f"{_ONE}/servers", servers, "servers", versions=("", "2.52")),
]
