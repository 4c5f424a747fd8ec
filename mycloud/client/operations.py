"""Operations: the journal of what the cloud does, step by step."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mycloud.client import defaults, errors, waiting
from mycloud.client.transport import Transport, segment
from mycloud.common import states

_SERVICE = "mycloud"


@dataclass(frozen=True)
class Step:
    """One journalled step; times are ISO 8601 in UTC, durations seconds."""

    seq: int
    name: str
    host: str | None
    state: str
    started_at: str | None
    finished_at: str | None
    duration_s: float | None
    detail: str | None


@dataclass(frozen=True)
class Operation:
    """One change of one resource; ``reason`` is one sentence, None if nothing went wrong.

    ``steps`` is empty in listings.
    """

    id: str
    kind: str
    resource_type: str
    resource_id: str
    project_id: str | None
    user_id: str | None
    request_id: str | None
    state: str
    host: str | None
    attempt: int
    created_at: str | None
    started_at: str | None
    finished_at: str | None
    duration_s: float | None
    code: str | None
    reason: str | None
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        return self.kind

    @property
    def ended(self) -> bool:
        return self.state in states.OP_ENDED

    @property
    def succeeded(self) -> bool:
        return self.state == states.Op.SUCCEEDED


@dataclass(frozen=True)
class Explanation:
    """What happened to a resource, oldest operation first, and the root cause in a sentence."""

    resource_type: str
    resource_id: str
    resource_name: str
    resource_status: str
    operations: tuple[Operation, ...]
    cause: str
    document: Mapping[str, Any]


def _step(document: Mapping[str, Any]) -> Step:
    return Step(
        seq=int(document["seq"]),
        name=document["name"],
        host=document.get("host"),
        state=document["state"],
        started_at=document.get("started_at"),
        finished_at=document.get("finished_at"),
        duration_s=document.get("duration_s"),
        detail=document.get("detail"),
    )


def build(document: Mapping[str, Any]) -> Operation:
    """The operation of an element of an answer."""
    return Operation(
        id=document["id"],
        kind=document["kind"],
        resource_type=document.get("resource_type") or "",
        resource_id=document.get("resource_id") or "",
        project_id=document.get("project_id"),
        user_id=document.get("user_id"),
        request_id=document.get("request_id"),
        state=document["state"],
        host=document.get("host"),
        attempt=int(document.get("attempt") or 0),
        created_at=document.get("created_at"),
        started_at=document.get("started_at"),
        finished_at=document.get("finished_at"),
        duration_s=document.get("duration_s"),
        code=document.get("code"),
        reason=document.get("reason"),
        steps=tuple(_step(step) for step in document.get("steps") or ()),
    )


class Operations:
    """The operations that this identity may see."""

    def __init__(self, transport: Transport):
        self._transport = transport

    def available(self) -> bool:
        """False on a cloud that keeps no journal (another OpenStack)."""
        return self._transport.has_service(_SERVICE)

    def get(self, operation_id: str) -> Operation:
        """With its steps.

        :raises NotFound: if there is no such operation, or it is another project's
        """
        path = f"/operations/{segment(operation_id)}"
        return build(self._transport.get(_SERVICE, path)["operation"])

    def list(self, **filters: Any) -> Iterator[Operation]:
        """Without steps. Filters: resource_id, resource_type, kind, state, project_id, limit
        (the size of a page), sort_dir."""
        for document in self._transport.pages(_SERVICE, "/operations", "operations", filters):
            yield build(document)

    def why(self, anything: str) -> Explanation:
        """The story of a server, an operation or a request, by its id.

        :raises NotFound: if the id is none of them
        """
        document = self._transport.get(_SERVICE, f"/why/{segment(anything)}")
        resource = document.get("resource") or {}
        return Explanation(
            resource_type=resource.get("type") or "",
            resource_id=resource.get("id") or "",
            resource_name=resource.get("name") or "",
            resource_status=resource.get("status") or "",
            operations=tuple(build(one) for one in document["operations"]),
            cause=document.get("cause") or "",
            document=document,
        )

    def wait(
        self,
        operation_id: str,
        *,
        timeout: float = defaults.WAIT_TIMEOUT,
        on_change: Callable[[Operation], None] | None = None,
    ) -> Operation:
        """Poll until the operation has ended; ``on_change`` sees every state and step.

        :param timeout: seconds
        :raises OperationFailed: if it failed or was cancelled
        :raises WaitTimeout: if it has not ended in time; it goes on
        """
        last: Operation | None = None

        def look() -> Operation | None:
            nonlocal last
            current = self.get(operation_id)
            if on_change is not None and current != last:
                on_change(current)
            last = current
            return current if current.ended else None

        ended = waiting.poll(look, f"operation {operation_id} to end", timeout=timeout)
        if not ended.succeeded:
            raise errors.OperationFailed(ended)
        return ended
