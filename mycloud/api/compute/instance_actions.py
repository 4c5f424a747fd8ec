"""What was done to a server: the operations of the journal, in compute's words."""

from typing import Any

from mycloud.api import paging, wsgi
from mycloud.api.compute.servers.views import usage_time_of
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.api.versions import Version
from mycloud.common import policy, states
from mycloud.common.states import Op, StepState
from mycloud.compute.requests import audit
from mycloud.db.operation_list import Row

_V21 = Version(2, 21)
_V51 = Version(2, 51)
_V58 = Version(2, 58)

_PAGED_QUERY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "limit": paging.LIMIT,
        "marker": paging.MARKER,
        "changes-since": {"type": "string", "maxLength": 64, "format": "date-time"},
    },
    "additionalProperties": False,
}

_RESULTS = {
    StepState.DONE: "Success",
    StepState.SKIPPED: "Success",
    StepState.FAILED: "Error",
    StepState.UNDONE: "Error",
}


def _action(request: wsgi.Request, row: Row) -> dict[str, Any]:
    transition = states.SERVER.get(row["kind"])
    # what needs no worker has no transition
    name = transition.action if transition else row["kind"].removeprefix("server.")
    failed = row["state"] in (Op.FAILED, Op.CANCELLED)
    found = {
        "action": name,
        "instance_uuid": row["resource_id"],
        "request_id": row["request_id"],
        "user_id": row["user_id"],
        "project_id": row["project_id"],
        "start_time": usage_time_of(row["created_at"]),
        "message": row["reason"] if failed else None,
    }
    if request.version >= _V58:
        found["updated_at"] = usage_time_of(row["updated_at"] or row["created_at"])
    return found


def _event(step: Row, *, traceback: bool) -> dict[str, Any]:
    found = {
        "event": step["name"],
        "start_time": usage_time_of(step["started_at"]),
        "finish_time": usage_time_of(step["finished_at"]),
        "result": _RESULTS.get(StepState(step["state"])),
    }
    if traceback:
        found["traceback"] = step["traceback"]
    return found


def list_actions(request: wsgi.Request) -> Any:
    paged = request.version >= _V58
    limit = paging.limit_of(request) if paged else None
    rows = audit.actions(
        request.context,
        request.args["server_id"],
        request.query if paged else {},
        limit=limit,
        deleted=request.version >= _V21,
    )
    answer: dict[str, Any] = {"instanceActions": [_action(request, row) for row in rows]}
    if paged and rows and (links := paging.next_links(request, rows, rows[-1]["request_id"])):
        answer["links"] = links
    return answer


def show(request: wsgi.Request) -> Any:
    context = request.context
    row, steps = audit.action(
        context,
        request.args["server_id"],
        request.args["request_id"],
        deleted=request.version >= _V21,
    )
    found = _action(request, row)
    operator = policy.allowed(context, "compute:instance_actions:events")
    if operator or request.version >= _V51:
        traceback = policy.allowed(context, "compute:instance_actions:traceback")
        found["events"] = [_event(step, traceback=traceback) for step in reversed(steps)]
    return {"instanceAction": found}


ROWS = [
    Route(
        "GET",
        "/servers/{server_id}/os-instance-actions",
        list_actions,
        "compute:instance_actions:list",
        query=[("2.1", ANY_QUERY), ("2.58", _PAGED_QUERY)],
    ),
    Route(
        "GET",
        "/servers/{server_id}/os-instance-actions/{request_id}",
        show,
        "compute:instance_actions:show",
        query=ANY_QUERY,
    ),
]
