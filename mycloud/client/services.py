"""Services: the programs that make up the cloud."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mycloud.client import errors
from mycloud.client.resource import Collection


@dataclass(frozen=True)
class Service:
    """One program on one host. ``status`` is what an administrator wants (enabled, disabled),
    ``state`` whether it lives (up, down)."""

    id: str
    binary: str
    host: str
    zone: str
    status: str
    state: str
    updated_at: str | None
    disabled_reason: str | None

    @property
    def name(self) -> str:
        return self.host


def build(document: Mapping[str, Any]) -> Service:
    """The service of an element of an answer."""
    return Service(
        id=str(document["id"]),
        binary=document["binary"],
        host=document["host"],
        zone=document.get("zone") or "",
        status=document["status"],
        state=document["state"],
        updated_at=document.get("updated_at"),
        disabled_reason=document.get("disabled_reason"),
    )


class Services(Collection[Service]):
    """All services of the cloud; for administrators."""

    service, path, noun = "compute", "/os-services", "service"
    key, keys = "service", "services"

    def _build(self, document: Mapping[str, Any]) -> Service:
        return build(document)

    def find(self, name_or_id: str) -> Service:
        """By id, or by host; where a host has several, the one that runs servers is meant.

        :raises NotFound: if there is none
        """
        every = [*self.list()]
        matching = [one for one in every if one.id == name_or_id] or [
            one for one in every if one.host == name_or_id and one.binary.endswith("-compute")
        ]
        if not matching:
            raise errors.NotFound.named(self.noun, name_or_id)
        return matching[0]

    def update(
        self,
        service_id: str,
        *,
        enabled: bool | None = None,
        reason: str | None = None,
        forced_down: bool | None = None,
    ) -> Service:
        """Let a compute host take new servers or not, or declare it dead."""
        body: dict[str, Any] = {}
        if enabled is not None:
            body["status"] = "enabled" if enabled else "disabled"
        if reason is not None:
            body["disabled_reason"] = reason
        if forced_down is not None:
            body["forced_down"] = forced_down
        return self._one(self._transport.put("compute", self.url(service_id), body).body)
