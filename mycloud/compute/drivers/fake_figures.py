"""What a fake guest has used: it grows with the time that the guest has run."""

from __future__ import annotations

import datetime
import zlib
from typing import Any

from mycloud.agent.hypervisor import DiskFigures, GuestFigures
from mycloud.common import clock

_MIB, _GIB = 1 << 20, 1 << 30
_BLOCK = 4096
#: Requests a second to the first disk; a twentieth of them write.
_REQUESTS = 20


def guest(
    server_id: str, found: dict[str, Any], disk: dict[str, Any], moment: float
) -> GuestFigures:
    """The figures of a guest that has run for ``moment`` seconds.

    Each guest is as busy as its id says, between a tenth and nine tenths of its processors.
    """
    busy = 0.1 + zlib.crc32(server_id.encode()) % 1000 / 1250
    spent = moment * busy
    vcpus = int(found["vcpus"])
    memory = int(found["memory_mb"]) * _MIB
    devices: list[tuple[str, str | None, int | None]] = []
    if disk:
        devices.append(("vda", None, int(disk.get("gb", 0)) * _GIB))
    devices += [
        (each["device"], volume_id, None) for volume_id, each in sorted(found["volumes"].items())
    ]
    return GuestFigures(
        server_id=server_id,
        name=found["name"],
        project_id=found["metadata"].get("project_id"),
        power_state=found["power_state"],
        vcpus=vcpus,
        cpu_seconds=spent * vcpus,
        vcpu_seconds=(spent,) * vcpus,
        memory_bytes=memory,
        memory_used_bytes=int(memory * busy),
        memory_resident_bytes=int(memory * busy),
        disks=tuple(
            _disk(device, volume_id, size, int(spent * _REQUESTS))
            for device, volume_id, size in devices
        ),
    )


def run_seconds(found: dict[str, Any]) -> float:
    """Seconds since a guest was started last."""
    began = datetime.datetime.fromisoformat(found["boots"][-1])
    return max(0.0, (clock.now() - began).total_seconds())


def _disk(device: str, volume_id: str | None, size: int | None, requests: int) -> DiskFigures:
    writes = requests // 20
    return DiskFigures(
        device=device,
        volume_id=volume_id,
        read_bytes=requests * _BLOCK,
        read_requests=requests,
        read_seconds=requests / 10_000,
        write_bytes=writes * _BLOCK,
        write_requests=writes,
        write_seconds=writes / 10_000,
        errors=0,
        capacity_bytes=size,
        allocation_bytes=None if size is None else size // 10,
    )
