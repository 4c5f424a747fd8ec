"""Prefer hosts with much left (spread), or with a negative multiplier with little (pack)."""

from typing import ClassVar

from mycloud.scheduler.host_state import HostState, Request
from mycloud.scheduler.weighers.base import Weigher


class _Free(Weigher):
    column: ClassVar[str]

    def figure(self, host: HostState, request: Request) -> float:
        return host.free(self.column)


class MemoryWeigher(_Free):
    multiplier = "ram_weight_multiplier"
    column = "memory_mb"


class VcpuWeigher(_Free):
    multiplier = "cpu_weight_multiplier"
    column = "vcpus"


class DiskWeigher(_Free):
    multiplier = "disk_weight_multiplier"
    column = "disk_gb"
