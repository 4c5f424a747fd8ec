"""A pool as the scheduler weighs it, and what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mycloud.db import volume_pools


@dataclass(frozen=True, slots=True)
class PoolState:
    """One pool. Sizes are GiB; ``allocated_gb`` is what volumes have claimed of it."""

    id: str
    host: str
    pool: str
    total_gb: float
    free_gb: float
    provisioned_gb: float
    allocated_gb: int
    availability_zone: str
    out_of_service: str | None = None
    capabilities: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, row: Mapping[str, Any], *, zone: str, out_of_service: str | None
    ) -> "PoolState":
        """From a row of db.volume_pools.every; ``zone`` is used where the service names none."""
        return cls(
            id=row["id"],
            host=row["host"],
            pool=row["pool"],
            total_gb=row["total_gb"],
            free_gb=row["free_gb"],
            provisioned_gb=row["provisioned_gb"],
            allocated_gb=row["allocated_gb"],
            availability_zone=row["availability_zone"] or zone,
            out_of_service=row["service_trouble"] or out_of_service,
            capabilities=row["capabilities"] or {},
        )

    @property
    def place(self) -> str:
        """The ``host`` of a volume here."""
        return volume_pools.join(self.host, self.pool)

    def room_gb(self, *, thin: bool) -> float:
        """How many GiB a further volume may have."""
        return volume_pools.room_gb(
            {
                "total_gb": self.total_gb,
                "free_gb": self.free_gb,
                "provisioned_gb": self.provisioned_gb,
                "allocated_gb": self.allocated_gb,
                "capabilities": self.capabilities,
            },
            thin=thin,
        )


@dataclass(frozen=True)
class Request:
    """What a volume asks of a pool."""

    size_gb: int
    availability_zone: str | None = None
    #: of its type, without those that only the scheduler reads
    extra_specs: dict[str, str] = field(default_factory=dict)
    multiattach: bool = False
    hints: dict[str, Any] = field(default_factory=dict)
    #: volume id -> place, of the project's volumes that the hints name
    hinted: dict[str, str] = field(default_factory=dict)
    #: the machine that the server of the hint local_to_instance runs on
    near_host: str | None = None
    #: only there: what it is made from lies there, or an operator says so
    place: str | None = None
    #: not there
    not_place: str | None = None

    @property
    def thin(self) -> bool:
        """Whether it may be promised more than there is."""
        return self.extra_specs.get("provisioning:type", "thin") != "thick"
