"""Refuse hosts with too little left: memory, vCPUs, disk."""

from typing import ClassVar

from mycloud.scheduler.filters.base import Filter
from mycloud.scheduler.host_state import HostState, Request


class _Amount(Filter):
    """What one column of the host must have left, over-subscription included."""

    column: ClassVar[str]
    unit: ClassVar[str]
    noun: ClassVar[str]

    def refuses(self, host: HostState, request: Request) -> bool:
        return host.free(self.column) < request.amounts[self.column]

    def remedy(self, host: HostState, request: Request) -> str:
        free = host.free(self.column)
        wanted = request.amounts[self.column]
        unit = f" {self.unit}" if self.unit else ""
        # what the largest server could have on it when it is empty
        largest = min(host.limits[self.column], host.capacity[self.column])
        ways = [f"choose a flavor with at most {free}{unit}"] if free else []
        if wanted <= largest:
            short = wanted - (host.limits[self.column] - host.used[self.column])
            ways.append(f"free {short}{unit} there")
        if not ways:
            ways = [f"choose a flavor with at most {largest}{unit}, and free as much there"]
        return (
            f"has {free}{unit} of {self.noun} free where {wanted}{unit} are asked for: "
            + ", or ".join(ways)
        )

    def shortfall(self, host: HostState, request: Request) -> float:
        return 1.0 - host.free(self.column) / request.amounts[self.column]


class MemoryFilter(_Amount):
    label = "memory"
    column, unit, noun = "memory_mb", "MiB", "memory"


class VcpuFilter(_Amount):
    label = "vCPUs"
    column, unit, noun = "vcpus", "", "its vCPUs"


class DiskFilter(_Amount):
    label = "disk"
    column, unit, noun = "disk_gb", "GiB", "disk"
