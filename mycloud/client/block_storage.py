"""What the nouns of block storage have in common: a status that settles, metadata, actions."""

import abc
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ClassVar, Protocol, TypeVar

from mycloud.client import defaults, errors, waiting
from mycloud.client.operations import Operation, Operations
from mycloud.client.resource import Accepted, Named
from mycloud.client.resource import Collection as Resources
from mycloud.client.transport import VOLUME, Transport, segment
from mycloud.common import states

#: The first word of the statuses of what has failed.
_FAILED = str(states.Vol.ERROR)

OnChange = Callable[[Operation], None] | None


class Settling(Named, Protocol):
    """A thing whose status says whether something is being done to it."""

    @property
    def status(self) -> str: ...


T = TypeVar("T", bound=Settling)


class BlockStorage(Resources[T], abc.ABC):
    """The resources of one noun of block storage.

    ``at_rest``: the statuses of what is well and left alone.
    """

    service: ClassVar[str] = VOLUME
    at_rest: ClassVar[Collection[str]]

    def __init__(self, transport: Transport, operations: Operations):
        super().__init__(transport)
        self._operations = operations

    def list(self, **filters: Any) -> Iterator[T]:
        """Filters: name, status, all_tenants, project_id, sort, limit (the size of a page) ..."""
        pages = self._transport.pages(VOLUME, f"{self.path}/detail", self.keys, filters)
        for document in pages:
            yield self._build(document)

    def act(self, resource_id: str, action: str, details: Any = None) -> Accepted:
        """Any action of block storage by its name there."""
        answer = self._transport.post(
            VOLUME, self.url(resource_id, "action"), {action: details}
        )
        return Accepted.of(resource_id, answer)

    def update(self, resource_id: str, **changes: Any) -> None:
        """Change name or description."""
        self._transport.put(VOLUME, self.url(resource_id), {self.key: changes})

    def set_metadata(self, resource_id: str, items: Mapping[str, str]) -> None:
        """Add or change these; the others stay."""
        self._transport.post(VOLUME, self.url(resource_id, "metadata"), {"metadata": dict(items)})

    def unset_metadata(self, resource_id: str, key: str) -> None:
        self._transport.delete(VOLUME, self.url(resource_id, "metadata", segment(key)))

    def force_delete(self, resource_id: str) -> Accepted:
        """Delete it whatever its status is; for administrators."""
        return self.act(resource_id, "os-force_delete", {})

    def reset_status(self, resource_id: str, status: str) -> None:
        """Declare that it has this status, whatever is true; for administrators."""
        self.act(resource_id, "os-reset_status", {"status": status})

    # -- waiting -------------------------------------------------------------------------------

    def wait(
        self,
        accepted: Accepted,
        *,
        status: Collection[str] = (),
        timeout: float = defaults.WAIT_TIMEOUT,
        on_change: OnChange = None,
    ) -> T:
        """Until the accepted change is done and the resource has one of those statuses.

        :param status: (default: those of what is at rest)
        :param timeout: seconds
        :raises OperationFailed: says why, with the steps
        :raises ResourceFailed: the resource went to an error state
        :raises WaitTimeout: it was not done in time
        """
        self._operation(accepted, timeout, on_change)
        wanted = frozenset(status or self.at_rest)

        def look() -> T | None:
            found = self.get(accepted.resource_id)
            if found.status in wanted and not self._moving(found):
                return found
            if found.status.startswith(_FAILED):
                raise errors.ResourceFailed(self._reason(found))
            return None

        what = f"{self.noun} {accepted.resource_id} to become {' or '.join(sorted(wanted))}"
        return waiting.poll(look, what, timeout=timeout)

    def wait_deleted(
        self,
        accepted: Accepted,
        *,
        timeout: float = defaults.WAIT_TIMEOUT,
        on_change: OnChange = None,
    ) -> None:
        """Until the resource is gone; errors as for ``wait``."""
        self._operation(accepted, timeout, on_change)

        def look() -> bool | None:
            try:
                found = self.get(accepted.resource_id)
            except errors.NotFound:
                return True
            if found.status.startswith(_FAILED):
                raise errors.ResourceFailed(self._reason(found))
            return None

        waiting.poll(look, f"{self.noun} {accepted.resource_id} to be gone", timeout=timeout)

    def _operation(self, accepted: Accepted, timeout: float, on_change: OnChange) -> None:
        if accepted.operation_id is not None and self._operations.available():
            self._operations.wait(accepted.operation_id, timeout=timeout, on_change=on_change)

    def _moving(self, found: T) -> bool:
        """Whether something is going on that the status does not show."""
        return False

    def _reason(self, found: T) -> str:
        """Why it is in error, in a sentence."""
        messages = self._transport.pages(
            VOLUME, "/messages", "messages", {"resource_uuid": found.id}
        )
        try:
            text = next((one["user_message"] for one in messages), None)
        except errors.ApiError:
            text = None
        name = found.name or found.id
        return f"{self.noun.capitalize()} {name} is {found.status}: " + (
            text or "no reason was recorded"
        )
