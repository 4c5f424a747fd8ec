"""The operation journal: what the cloud does and has done, step by step."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from mycloud.api import paging, wsgi
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.common import clock
from mycloud.common.states import Op
from mycloud.journal import requests

Row = Mapping[str, Any]

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 255}
_QUERY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "resource_id": _TEXT,
        "resource_type": _TEXT,
        "kind": _TEXT,
        "state": {"enum": [state.value for state in Op]},
        "project_id": _TEXT,
        "limit": paging.LIMIT,
        "marker": paging.MARKER,
        "sort_dir": {"enum": ["asc", "desc"]},
    },
    "additionalProperties": False,
}


def time_of(value: datetime.datetime | None) -> str | None:
    """To the microsecond, in UTC."""
    return None if value is None else value.isoformat(timespec="microseconds") + "Z"


def _duration(
    begin: datetime.datetime | None, end: datetime.datetime | None
) -> float | None:
    """Seconds from begin to end; to now while there is no end."""
    if begin is None:
        return None
    return round(((end or clock.now()) - begin).total_seconds(), 3)


def operation_view(row: Row) -> dict[str, Any]:
    """An operation as lists show it."""
    return {
        **{
            name: row[name]
            for name in (
                "id", "kind", "resource_type", "resource_id", "project_id", "user_id",
                "request_id", "state", "host", "attempt",
            )
        },
        "created_at": time_of(row["created_at"]),
        "started_at": time_of(row["started_at"]),
        "finished_at": time_of(row["finished_at"]),
        "duration_s": _duration(row["started_at"], row["finished_at"]),
        "code": row["code"],
        "reason": row["reason"],
    }


def full_view(row: Row, steps: Sequence[Row]) -> dict[str, Any]:
    """An operation with its steps."""
    return {**operation_view(row), "steps": [_step_view(step) for step in steps]}


def _step_view(step: Row) -> dict[str, Any]:
    return {
        "seq": step["seq"],
        "name": step["name"],
        "host": step["host"],
        "state": step["state"],
        "started_at": time_of(step["started_at"]),
        "finished_at": time_of(step["finished_at"]),
        "duration_s": _duration(step["started_at"], step["finished_at"]),
        "detail": step["detail"],
    }


def list_operations(request: wsgi.Request) -> Any:
    limit = paging.limit_of(request)
    # one more, to know whether there is a next page
    rows = requests.page(request.context, request.query, limit=limit + 1 if limit else 0)
    answer: dict[str, Any] = {
        "operations": [operation_view(row) for row in rows[:limit]]
    }
    if len(rows) > limit > 0:
        query = urlencode({**request.query, "marker": rows[limit - 1]["id"]})
        answer["links"] = [{"rel": "next", "href": f"{request.path_url}?{query}"}]
    return answer


def show(request: wsgi.Request) -> Any:
    row, steps = requests.get(request.context, request.args["operation_id"])
    return {"operation": full_view(row, steps)}


ROWS = [
    Route("GET", "/operations", list_operations, "cloud:operations:list", query=_QUERY),
    Route(
        "GET", "/operations/{operation_id}", show, "cloud:operations:show", query=ANY_QUERY
    ),
]
