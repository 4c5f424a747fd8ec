"""Figures of the host, as the kernel tells them to anybody under /proc."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from mycloud.common import clock

_PROC = Path("/proc")
_SYS_BLOCK = Path("/sys/block")
_KIB = 1024
#: The kernel's unit in /proc/diskstats, whatever the disk's own is.
_SECTOR = 512
_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_MEMORY = {
    "total_bytes": "MemTotal",
    "available_bytes": "MemAvailable",
    "free_bytes": "MemFree",
    "buffers_bytes": "Buffers",
    "cached_bytes": "Cached",
    "swap_total_bytes": "SwapTotal",
    "swap_free_bytes": "SwapFree",
}


@dataclasses.dataclass(frozen=True)
class HostDisk:
    """A whole disk of the host, counted from its appearance."""

    device: str
    read_bytes: int
    read_requests: int
    read_seconds: float
    write_bytes: int
    write_requests: int
    write_seconds: float
    io_seconds: float


@dataclasses.dataclass(frozen=True)
class HostNic:
    """A network interface of the host, counted from its appearance."""

    device: str
    rx_bytes: int
    rx_packets: int
    rx_errors: int
    rx_drop: int
    tx_bytes: int
    tx_packets: int
    tx_errors: int
    tx_drop: int


@dataclasses.dataclass(frozen=True)
class FileSystem:
    """Where files are kept; ``free_bytes`` is what may be used without being root."""

    path: str
    size_bytes: int
    free_bytes: int


@dataclasses.dataclass(frozen=True)
class HostFigures:
    """The host at one moment.

    :ivar cpu_seconds: by mode (``user``, ``idle`` ...), all processors together, since the boot
    :ivar load: the averages over 1, 5 and 15 minutes
    :ivar memory: bytes by name (``total_bytes``, ``available_bytes`` ...)
    """

    cpus: int
    cpu_seconds: dict[str, float]
    load: tuple[float, float, float]
    processes: int
    uptime_seconds: float
    memory: dict[str, int]
    disks: tuple[HostDisk, ...]
    nics: tuple[HostNic, ...]
    file_systems: tuple[FileSystem, ...]


def figures(*file_systems: Path, proc: Path = _PROC) -> HostFigures:
    """The host now, and the file systems that hold these paths."""
    cpus, seconds = _cpu(proc)
    load = (proc / "loadavg").read_text().split()
    return HostFigures(
        cpus=cpus,
        cpu_seconds=seconds,
        load=(float(load[0]), float(load[1]), float(load[2])),
        processes=int(load[3].split("/")[1]),
        uptime_seconds=float((proc / "uptime").read_text().split()[0]),
        memory=memory(proc),
        disks=tuple(_disks(proc)),
        nics=tuple(_nics(proc)),
        file_systems=tuple(_file_system(path) for path in file_systems),
    )


def uptime_line(proc: Path = _PROC) -> str:
    """Time of day, uptime and load averages in one line, as uptime(1) prints them."""
    seconds = float((proc / "uptime").read_text().split()[0])
    load = (proc / "loadavg").read_text().split()[:3]
    days, rest = divmod(int(seconds), 86400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    up = f"{days} day{'' if days == 1 else 's'}, " if days else ""
    return (
        f" {clock.now():%H:%M:%S} up {up}{hours:2d}:{minutes:02d},  0 users,"
        f"  load average: {', '.join(load)}"
    )


def memory(proc: Path = _PROC) -> dict[str, int]:
    """Bytes by name; those that the kernel does not tell are 0."""
    told = {}
    for line in (proc / "meminfo").read_text().splitlines():
        key, _, value = line.partition(":")
        told[key] = int(value.split()[0]) * _KIB
    return {name: told.get(key, 0) for name, key in _MEMORY.items()}


def _cpu(proc: Path) -> tuple[int, dict[str, float]]:
    ticks = os.sysconf("SC_CLK_TCK")
    seconds: dict[str, float] = {}
    cpus = 0
    for line in (proc / "stat").read_text().splitlines():
        name, *values = line.split()
        if name == "cpu":
            # older kernels tell fewer
            spent = [int(value) / ticks for value in values[:len(_MODES)]]
            seconds = dict(zip(_MODES, spent, strict=False))
        elif name.startswith("cpu"):
            cpus += 1
        else:
            break
    return cpus, seconds


def _disks(proc: Path) -> Iterator[HostDisk]:
    for line in (proc / "diskstats").read_text().splitlines():
        _major, _minor, device, *rest = line.split()
        reads, _, sectors_read, reading, writes, _, sectors_written, writing, _, busy = map(
            int, rest[:10]
        )
        # neither partitions nor the many that are made in advance and never used
        if (reads or writes) and (_SYS_BLOCK / device.replace("/", "!")).exists():
            yield HostDisk(
                device,
                sectors_read * _SECTOR, reads, reading / 1000,
                sectors_written * _SECTOR, writes, writing / 1000,
                busy / 1000,
            )


def _nics(proc: Path) -> Iterator[HostNic]:
    for line in (proc / "net" / "dev").read_text().splitlines()[2:]:
        # no space need follow the colon
        device, _, rest = line.rpartition(":")
        told = [int(value) for value in rest.split()]
        if device.strip() != "lo":
            yield HostNic(device.strip(), *told[0:4], *told[8:12])


def _file_system(path: Path) -> FileSystem:
    # it may not be made yet
    while not path.exists() and path != path.parent:
        path = path.parent
    found = os.statvfs(path)
    return FileSystem(
        str(path), found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    )
