"""Hosts: the machines that run the servers (the compute API's hypervisors)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mycloud.client.resource import Collection


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


class Hosts(Collection[Host]):
    """All hosts of the cloud; for administrators."""

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
