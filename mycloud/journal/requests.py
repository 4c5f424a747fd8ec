"""Questions about the journal: which operations, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mycloud.common import clock, exceptions, policy
from mycloud.common.context import RequestContext
from mycloud.common.states import OP_OPEN, Op, StepState
from mycloud.db import engine, journal, operation_list
from mycloud.db.operation_list import Wanted

Row = Mapping[str, Any]
Steps = Sequence[Row]

_FILTERS = ("resource_id", "resource_type", "kind", "state")


def _project_of(context: RequestContext) -> str | None:
    """The project whose operations a caller may see; None: those of every project."""
    if policy.allowed(context, "cloud:operations:all_projects"):
        return None
    return context.project_id or ""


def page(context: RequestContext, query: Mapping[str, Any], *, limit: int) -> list[Row]:
    """The operations that a query asks for, newest first unless sort_dir is asc.

    :raises UnknownMarker:
    """
    wanted = Wanted(
        same={name: query[name] for name in _FILTERS if name in query},
        marker=query.get("marker"),
        newest_first=query.get("sort_dir") != "asc",
        limit=limit,
    )
    own = _project_of(context)
    asked = query.get("project_id", own)
    if own is not None and asked != own:
        return []
    if asked is not None:
        wanted.same["project_id"] = asked
    with engine.reader() as conn:
        return operation_list.page(conn, wanted)


def get(context: RequestContext, operation_id: str) -> tuple[Row, Steps]:
    """An operation and its steps in order.

    :raises OperationNotFound: also for one of another project
    """
    with engine.reader() as conn:
        row = journal.get(conn, operation_id)
        own = _project_of(context)
        if own is not None and row["project_id"] != own:
            raise exceptions.OperationNotFound(operation_id=operation_id)
        return row, journal.steps_of(conn, [operation_id])[operation_id]


# -- why ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Story:
    """What an id stands for, its operations with their steps, oldest first, and the cause."""

    resource: dict[str, Any]
    operations: list[tuple[Row, Steps]]
    cause: str


def why(context: RequestContext, name: str) -> Story:
    """The story of a server, a host, a volume, a snapshot, a backup, of an operation, or of a
    request.

    :raises NotFound: when the id is none of these, or of another project
    """
    with engine.reader() as conn:
        rows, found = operation_list.about(conn, name, project_id=_project_of(context))
        if found is None:
            raise exceptions.NotFound(
                resource="Server, host, volume, snapshot, backup, operation or request", id=name
            )
        steps = journal.steps_of(conn, [row["id"] for row in rows])
    told = [(row, steps[row["id"]]) for row in rows]
    return Story(
        resource={key: found[key] for key in ("type", "id", "name", "status")},
        operations=told,
        cause=cause(told, failed=found["failed"]),
    )


def cause(told: Sequence[tuple[Row, Steps]], *, failed: bool) -> str:
    """One sentence: what the resource waits for, or what went wrong, or that nothing did.

    ``failed``: the resource is in error, so the last failure counts and not the last operation.
    """
    last, steps = told[-1]
    if failed and last["state"] not in OP_OPEN:
        failures = [entry for entry in told if entry[0]["state"] == Op.FAILED]
        last, steps = failures[-1] if failures else told[-1]
    kind, state = last["kind"], last["state"]
    if state == Op.FAILED:
        return _sentence(f"{kind} failed {_where(steps)}: {last['reason']}")
    if state == Op.CANCELLED:
        return _sentence(f"{kind} was cancelled: {last['reason']}")
    if state == Op.SUCCEEDED:
        return _sentence(f"Nothing is wrong: {kind} succeeded after {_took(last)}")
    if state == Op.WAITING:
        return _sentence(f"{kind} waits until operation {last['waits_for']} has ended")
    if state == Op.PENDING:
        host = f" on {last['host']}" if last["host"] else ""
        return _sentence(f"{kind} waits for the {last['topic']} service{host} to take it up")
    running = [step for step in steps if step["state"] == StepState.RUNNING]
    if running:
        step = running[-1]
        return _sentence(
            f"{kind} is under way: step {step['name']}{_on(step)} has been running for "
            f"{_seconds(step['started_at'], None)}"
        )
    return _sentence(f"{kind} is under way since {_took(last)}")


def _where(steps: Steps) -> str:
    broken = [step for step in steps if step["state"] in (StepState.FAILED, StepState.UNDONE)
              and step["detail"]]
    if not broken:
        return "before its first step"
    step = broken[-1]
    took = _seconds(step["started_at"], step["finished_at"])
    return f"at step {step['name']}{_on(step)} after {took}"


def _on(step: Row) -> str:
    return f" on {step['host']}" if step["host"] else ""


def _took(row: Row) -> str:
    return _seconds(row["started_at"] or row["created_at"], row["finished_at"])


def _seconds(begin: Any, end: Any) -> str:
    seconds = ((end or clock.now()) - begin).total_seconds()
    return f"{seconds:.{1 if seconds >= 10 else 3}f} s"


def _sentence(text: str) -> str:
    """On one line, with one full stop at its end."""
    return " ".join(text.split()).rstrip(".") + "."
