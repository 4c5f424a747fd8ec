"""The programs of block storage, the pools of their backends, and messages to users."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mycloud.client import errors
from mycloud.client.resource import Collection
from mycloud.client.transport import VOLUME, Transport


@dataclass(frozen=True)
class VolumeService:
    """One program; ``host`` is HOST@BACKEND where it has a backend. ``status`` is what an
    administrator wants (enabled, disabled), ``state`` whether it lives (up, down), and
    ``backend_state`` whether its backend can be used."""

    binary: str
    host: str
    zone: str
    status: str
    state: str
    updated_at: str | None
    disabled_reason: str | None
    backend_state: str | None


@dataclass(frozen=True)
class Pool:
    """A place for volumes, HOST@BACKEND#POOL; sizes in GiB, None where the backend does not know.
    """

    name: str
    total_gb: float | None
    free_gb: float | None
    allocated_gb: float | None
    capabilities: Mapping[str, Any]


@dataclass(frozen=True)
class Message:
    """Why something failed that had been accepted."""

    id: str
    text: str
    level: str
    event_id: str
    resource_type: str
    resource_id: str | None
    request_id: str | None
    created_at: str | None
    kept_until: str | None

    @property
    def name(self) -> str:
        return self.id


@dataclass(frozen=True)
class Draining:
    """How far a backend is. ``moving``: volume id -> its operation; ``waiting``: ids of volumes
    that come later; ``staying``: volume id -> why it can't be moved now."""

    moving: Mapping[str, str]
    waiting: Sequence[str]
    staying: Mapping[str, str]


class VolumeServices:
    """All programs of block storage; for administrators."""

    def __init__(self, transport: Transport):
        self._transport = transport

    def list(self, **filters: Any) -> Iterator[VolumeService]:
        """Filters: host, binary."""
        for document in self._transport.pages(VOLUME, "/os-services", "services", filters):
            yield VolumeService(
                binary=document["binary"],
                host=document["host"],
                zone=document.get("zone") or "",
                status=document["status"],
                state=document["state"],
                updated_at=document.get("updated_at"),
                disabled_reason=document.get("disabled_reason"),
                backend_state=document.get("backend_state"),
            )

    def drain(
        self, host: str, *, to: str | None = None, at_once: int = 1, skip: Sequence[str] = ()
    ) -> Draining:
        """Let no new volumes come to a HOST@BACKEND, and let so many of those that are there move
        that ``at_once`` do; ask again to go on.

        :param to: HOST@BACKEND#POOL; None: wherever each fits
        :param skip: ids of volumes that are left alone
        """
        wanted = {"to": to, "at_once": at_once, "skip": list(skip)}
        path = f"/backends/{quote(host, safe='@')}/drain"
        found = self._transport.post("mycloud", path, {"drain": wanted}).body["drain"]
        return Draining(
            {each["volume_id"]: each["operation_id"] for each in found["moving"]},
            tuple(found["waiting"]),
            {each["volume_id"]: each["reason"] for each in found["staying"]},
        )

    def enable(self, host: str, binary: str) -> None:
        """Let it get new volumes again."""
        body = {"host": host, "binary": binary}
        self._transport.put(VOLUME, "/os-services/enable", body)

    def disable(self, host: str, binary: str, *, reason: str | None = None) -> None:
        """Let it get no new volumes; those that it has go on."""
        body = {"host": host, "binary": binary}
        if reason is None:
            self._transport.put(VOLUME, "/os-services/disable", body)
        else:
            body["disabled_reason"] = reason
            self._transport.put(VOLUME, "/os-services/disable-log-reason", body)

    def pools(self) -> Iterator[Pool]:
        """Where volumes can be placed, with what the scheduler knows of it."""
        path = "/scheduler-stats/get_pools"
        for document in self._transport.pages(VOLUME, path, "pools", {"detail": "true"}):
            capabilities = document.get("capabilities") or {}
            yield Pool(
                name=document["name"],
                total_gb=_gb(capabilities.get("total_capacity_gb")),
                free_gb=_gb(capabilities.get("free_capacity_gb")),
                allocated_gb=_gb(capabilities.get("allocated_capacity_gb")),
                capabilities=capabilities,
            )


def _gb(value: Any) -> float | None:
    """A number; backends write "unknown" and "infinite" where they have none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


class VolumeMessages(Collection[Message]):
    """Filters of the list: resource_uuid, resource_type, request_id, event_id, message_level."""

    service, path, noun = VOLUME, "/messages", "message"
    key, keys = "message", "messages"

    def _build(self, document: Mapping[str, Any]) -> Message:
        return Message(
            id=document["id"],
            text=document.get("user_message") or "",
            level=document.get("message_level") or "",
            event_id=document.get("event_id") or "",
            resource_type=document.get("resource_type") or "",
            resource_id=document.get("resource_uuid"),
            request_id=document.get("request_id"),
            created_at=document.get("created_at"),
            kept_until=document.get("guaranteed_until"),
        )

    def find(self, name_or_id: str) -> Message:
        """By id: messages have no names.

        :raises NotFound: if there is none
        """
        try:
            return self.get(name_or_id)
        except (errors.NotFound, errors.BadRequest) as error:
            raise errors.NotFound.named(self.noun, name_or_id) from error
