"""Simple tenant usage: hours of CPU, memory and disk that projects' servers took."""

import datetime
from typing import Any

from oslo_utils import timeutils

from mycloud.api import paging, wsgi
from mycloud.api.routing import Route
from mycloud.api.versions import Version
from mycloud.common import clock, exceptions, policy, states
from mycloud.db import engine, usage
from mycloud.db.usage import Period, Row

_PAGED = Version(2, 40)
_DAY = datetime.timedelta(days=1)
#: The earliest end of a day that can be said.
_FIRST = datetime.datetime.min + _DAY

_TIME = {"type": "string", "minLength": 1, "maxLength": 64}
_V21 = {"start": _TIME, "end": _TIME, "detailed": {"type": "string", "maxLength": 16}}


def _query(**more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {**_V21, **more}, "additionalProperties": True}


_QUERY = [
    ("2.1", _query()),
    ("2.40", _query(limit=paging.LIMIT, marker=paging.MARKER)),
]


def _period(request: wsgi.Request) -> Period:
    """The last day up to now, unless the query says otherwise."""
    now = clock.now()
    query = request.query
    stop = _time(query["end"]) if "end" in query else now
    start = _time(query["start"]) if "start" in query else max(stop, _FIRST) - _DAY
    if start >= stop:
        raise exceptions.BadField(
            field="start", reason="Invalid start time. The start time cannot occur after the "
            "end time."
        )
    return start, min(stop, now)


def _time(text: str) -> datetime.datetime:
    try:
        return timeutils.normalize_time(timeutils.parse_isotime(text))
    except (ValueError, OverflowError) as error:
        raise exceptions.BadField(field="start or end", reason=f"{error}") from error


def _hours(row: Row, period: Period) -> float:
    """How long a server ran in the period."""
    since = max(row["launched_at"], period[0])
    until = min(row["terminated_at"] or period[1], period[1])
    return float(max(0.0, (until - since).total_seconds()) / 3600)


def _server(row: Row, period: Period) -> dict[str, Any]:
    flavor = row["flavor"]
    ended = row["terminated_at"]
    until = ended or clock.now()
    return {
        "instance_id": row["id"],
        "name": row["name"],
        "tenant_id": row["project_id"],
        "flavor": flavor.get("original_name", ""),
        "hours": _hours(row, period),
        "memory_mb": row["memory_mb"],
        "vcpus": row["vcpus"],
        "local_gb": row["root_gb"] + row["ephemeral_gb"],
        "started_at": row["launched_at"].isoformat(),
        "ended_at": None if ended is None else ended.isoformat(),
        "uptime": int((until - row["launched_at"]).total_seconds()),
        "state": "terminated" if ended else states.Vm(row["vm_state"]).value,
    }


def _project(project_id: str, rows: list[Row], period: Period, *, detailed: bool) -> Any:
    shown = [_server(row, period) for row in rows]
    found: dict[str, Any] = {
        "tenant_id": project_id,
        "start": period[0].isoformat(),
        "stop": period[1].isoformat(),
        "total_hours": sum((one["hours"] for one in shown), 0.0),
        "total_vcpus_usage": sum((one["hours"] * one["vcpus"] for one in shown), 0.0),
        "total_memory_mb_usage": sum((one["hours"] * one["memory_mb"] for one in shown), 0.0),
        "total_local_gb_usage": sum((one["hours"] * one["local_gb"] for one in shown), 0.0),
    }
    if detailed:
        found["server_usages"] = shown
    return found


def _load(request: wsgi.Request, period: Period, project_id: str | None) -> list[Row]:
    if period[0] >= period[1]:
        # it lies in the future
        return []
    paged = request.version >= _PAGED
    with engine.reader() as conn:
        return usage.servers_in(
            conn,
            period,
            project_id=project_id,
            marker=request.query.get("marker") if paged else None,
            limit=paging.limit_of(request) if paged else None,
        )


def _answer(
    request: wsgi.Request, key: str, value: Any, rows: list[Row]
) -> dict[str, Any]:
    answer = {key: value}
    more = paging.next_links(request, rows, rows[-1]["id"]) if rows else []
    if more and request.version >= _PAGED:
        answer[f"{key}_links"] = more
    return answer


def index(request: wsgi.Request) -> dict[str, Any]:
    period = _period(request)
    detailed = request.query.get("detailed") == "1"
    rows = _load(request, period, None)
    by_project: dict[str, list[Row]] = {}
    for row in rows:
        by_project.setdefault(row["project_id"], []).append(row)
    found = [
        _project(project_id, own, period, detailed=detailed)
        for project_id, own in by_project.items()
    ]
    return _answer(request, "tenant_usages", found, rows)


def show(request: wsgi.Request) -> dict[str, Any]:
    project_id = request.args["project_id"]
    if project_id != request.context.project_id:
        policy.enforce(request.context, "compute:usage:other_projects")
    period = _period(request)
    rows = _load(request, period, project_id)
    found = _project(project_id, rows, period, detailed=True)
    return _answer(request, "tenant_usage", found, rows)


ROWS = [
    Route("GET", "/os-simple-tenant-usage", index, "compute:usage:list", query=_QUERY),
    Route(
        "GET",
        "/os-simple-tenant-usage/{project_id}",
        show,
        "compute:usage:show",
        query=_QUERY,
    ),
]
