"""A host as the scheduler weighs it, and what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mycloud.db.hosts import AMOUNTS


@dataclass(frozen=True)
class Ratios:
    """Over-subscription: how much of each may be claimed per piece that is there."""

    vcpus: float
    memory_mb: float
    disk_gb: float


@dataclass(frozen=True)
class HostState:
    """One host. ``limits`` are its capacities times the over-subscription, ``used`` the claims."""

    id: str
    host: str
    node: str
    generation: int
    limits: dict[str, int]
    used: dict[str, int]
    capacity: dict[str, int]
    running_vms: int
    capabilities: dict[str, str]
    availability_zone: str
    #: why its service can't be given work; None if it can
    out_of_service: str | None

    @classmethod
    def of(
        cls, row: Mapping[str, Any], ratios: Ratios, *, zone: str, out_of_service: str | None
    ) -> "HostState":
        """From a row of db.hosts.every; ``zone`` is used where the service names none."""
        return cls(
            id=row["id"],
            host=row["host"],
            node=row["hypervisor_hostname"],
            generation=row["generation"],
            limits={name: int(row[name] * getattr(ratios, name)) for name in AMOUNTS},
            used={name: row[f"{name}_used"] for name in AMOUNTS},
            capacity={name: row[name] for name in AMOUNTS},
            running_vms=row["running_vms"],
            capabilities={
                **(row["capabilities"] or {}),
                "hypervisor_type": row["hypervisor_type"],
            },
            availability_zone=row["availability_zone"] or zone,
            out_of_service=out_of_service,
        )

    def free(self, name: str) -> int:
        """What can still be claimed of vcpus, memory_mb or disk_gb."""
        return self.limits[name] - self.used[name]


@dataclass(frozen=True)
class Group:
    """A server group as a placement sees it: where its other members are."""

    policy: str
    max_per_host: int = 1
    #: host -> number of members on it
    members: dict[str, int] = field(default_factory=dict)


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
    #: host -> server ids, of the servers that same_host and different_host hints name
    hinted_hosts: dict[str, str] = field(default_factory=dict)
