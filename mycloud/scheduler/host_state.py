"""A host as the scheduler weighs it, and what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mycloud.db.group_claims import Group
from mycloud.db.hosts import AMOUNTS


@dataclass(frozen=True)
class Ratios:
    """Over-subscription: how much of each may be claimed per piece that is there."""

    vcpus: float
    memory_mb: float
    disk_gb: float


@dataclass(frozen=True, slots=True)
class HostState:
    """One host. ``limits`` are its capacities times the over-subscription, ``used`` the claims."""

    id: str
    host: str
    node: str
    limits: dict[str, int]
    used: dict[str, int]
    capacity: dict[str, int]
    availability_zone: str
    #: why its service can't be given work; None if it can
    out_of_service: str | None = None
    hypervisor_version: int = 0
    host_ip: str | None = None
    capabilities: dict[str, Any] = field(default_factory=dict)
    #: key -> values, of the aggregates that it is in; only filled for who asks for some
    aggregates: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, row: Mapping[str, Any], ratios: Ratios, *, zone: str, out_of_service: str | None
    ) -> "HostState":
        """From a row of db.hosts.every; ``zone`` is used where the service names none."""
        return cls(
            id=row["id"],
            host=row["host"],
            node=row["hypervisor_hostname"],
            limits={name: int(row[name] * getattr(ratios, name)) for name in AMOUNTS},
            used={name: row[f"{name}_used"] for name in AMOUNTS},
            capacity={name: row[name] for name in AMOUNTS},
            availability_zone=row["availability_zone"] or zone,
            out_of_service=out_of_service,
            hypervisor_version=row["hypervisor_version"],
            host_ip=row["host_ip"],
            capabilities={
                **(row["capabilities"] or {}),
                "hypervisor_type": row["hypervisor_type"],
                "hypervisor_version": row["hypervisor_version"],
                "cpu_info": row["cpu_info"] or {},
            },
        )

    def free(self, name: str) -> int:
        """What one more server can claim of vcpus, memory_mb or disk_gb.

        Never more than the host really has: a server is not over-subscribed against itself.
        """
        return max(0, min(self.limits[name] - self.used[name], self.capacity[name]))


@dataclass(frozen=True)
class Request:
    """What a server asks of a host. ``amounts``: vcpus, memory_mb, disk_gb."""

    amounts: dict[str, int]
    availability_zone: str | None = None
    host: str | None = None
    node: str | None = None
    extra_specs: dict[str, str] = field(default_factory=dict)
    image_properties: dict[str, str] = field(default_factory=dict)
    group: Group | None = None
    hints: dict[str, Any] = field(default_factory=dict)
    #: server id -> host, of the project's servers that the hints name
    hinted_hosts: dict[str, str] = field(default_factory=dict)

    def hinted(self, name: str) -> list[str]:
        """The server ids of a hint that takes one or a list of them."""
        given = self.hints.get(name)
        ids = given if isinstance(given, list) else [given]
        return [item for item in ids if isinstance(item, str)]
