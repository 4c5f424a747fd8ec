"""Hosts: the machines that run the servers (the compute API's hypervisors)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mycloud.client.resource import Collection
from mycloud.client.transport import Request, segment

_BLOCK = 1 << 16
#: as the cloud calls a file; never a path
_FILE_NAME = re.compile(r'filename="([A-Za-z0-9_][A-Za-z0-9._-]*)"')


@dataclass(frozen=True)
class Host:
    """A machine; memory in MiB, disk in GiB. ``name`` is the hypervisor's host name."""

    id: str
    name: str
    service_host: str
    address: str
    hypervisor_type: str
    hypervisor_version: int
    state: str
    status: str
    disabled_reason: str | None
    vcpus: int
    vcpus_used: int
    memory_mb: int
    memory_mb_used: int
    local_gb: int
    local_gb_used: int
    running_servers: int
    document: Mapping[str, Any] = field(repr=False)


def build(document: Mapping[str, Any]) -> Host:
    """The host of an element of an answer."""

    def number(key: str) -> int:
        return int(document.get(key) or 0)

    service = document.get("service") or {}
    return Host(
        id=str(document["id"]),
        name=document["hypervisor_hostname"],
        service_host=service.get("host") or "",
        address=document.get("host_ip") or "",
        hypervisor_type=document.get("hypervisor_type") or "",
        hypervisor_version=number("hypervisor_version"),
        state=document.get("state") or "",
        status=document.get("status") or "",
        disabled_reason=service.get("disabled_reason"),
        vcpus=number("vcpus"),
        vcpus_used=number("vcpus_used"),
        memory_mb=number("memory_mb"),
        memory_mb_used=number("memory_mb_used"),
        local_gb=number("local_gb"),
        local_gb_used=number("local_gb_used"),
        running_servers=number("running_vms"),
        document=document,
    )


@dataclass(frozen=True)
class HostDetails:
    """What a host tells of itself: documents as its agent gives them (``mycloud-compute
    --list-verbs``: host.facts, network.caps, lldp.info); None where one is not known.

    :ivar reason: why the host tells nothing; None: it answers
    :ivar errors: why one document is not known, by its name
    """

    answers: bool
    reason: str | None
    agent_url: str | None
    facts: Mapping[str, Any] | None
    network: Mapping[str, Any] | None
    lldp: Mapping[str, Any] | None
    errors: Mapping[str, str]


class Hosts(Collection[Host]):
    """All hosts of the cloud; for administrators. What is by name takes the host's own name or
    its id."""

    service, path, noun = "compute", "/os-hypervisors", "host"
    key, keys = "hypervisor", "hypervisors"

    def _build(self, document: Mapping[str, Any]) -> Host:
        return build(document)

    def list(self, **filters: Any) -> Iterator[Host]:
        """Filters: hypervisor_hostname_pattern, with_servers."""
        path = "/os-hypervisors/detail"
        for document in self._transport.pages("compute", path, "hypervisors", filters):
            yield build(document)

    def _candidates(self, name: str) -> Iterator[Host]:
        # the filter by name answers 404 when nothing matches, so the client compares
        return self.list()

    @property
    def tell(self) -> bool:
        """Whether this cloud lets its hosts tell more than the compute API does."""
        return self._transport.has_service("mycloud")

    def details(self, name: str) -> HostDetails:
        """What the host tells of itself now.

        :raises NotFound: if there is no such host
        """
        found = self._transport.get("mycloud", f"/hosts/{segment(name)}")["host"]
        return HostDetails(
            answers=bool(found["answers"]),
            reason=found["reason"],
            agent_url=found["agent_url"],
            facts=found["facts"],
            network=found["network"],
            lldp=found["lldp"],
            errors=found["errors"],
        )

    def stats(self, name: str) -> dict[str, Any]:
        """How busy the host is and each server on it: the agent's document of host.stats.

        :raises NotFound: if there is no such host
        :raises Conflict: if it does not answer
        """
        found: dict[str, Any] = self._transport.get("mycloud", f"/hosts/{segment(name)}/stats")
        stats: dict[str, Any] = found["stats"]
        return stats

    def logs(self, name: str) -> tuple[str, Iterator[bytes]]:
        """A file name, and the bytes of a tar.gz with the host's logs and facts.

        :raises NotFound: if there is no such host
        :raises Conflict: if it does not answer
        """
        path = f"/hosts/{segment(name)}/logs"
        headers = {"Accept": "application/gzip"}
        answer = self._transport.send(
            Request("mycloud", "GET", path, headers=headers, download=True)
        )
        match = _FILE_NAME.search(answer.headers.get("Content-Disposition", ""))
        return match[1] if match else "host-logs.tar.gz", answer.chunks(_BLOCK)
