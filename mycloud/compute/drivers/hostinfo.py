"""Facts of this machine that no hypervisor is needed for."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from mycloud.common import clock


def uptime() -> str:
    """Time of day, uptime and load averages in one line, as uptime(1) prints them."""
    seconds = float(Path("/proc/uptime").read_text().split()[0])
    load = Path("/proc/loadavg").read_text().split()[:3]
    days, rest = divmod(int(seconds), 86400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    up = f"{days} day{'' if days == 1 else 's'}, " if days else ""
    return (
        f" {clock.now():%H:%M:%S} up {up}{hours:2d}:{minutes:02d},  0 users,"
        f"  load average: {', '.join(load)}"
    )


def free_disk_gb(path: Path) -> int:
    """Whole GiB free for new files under ``path``."""
    return shutil.disk_usage(path).free >> 30


def architecture() -> str:
    """The machine's processor architecture, by QEMU's name."""
    return platform.machine()


def memory_mb() -> int:
    """MiB of memory that the kernel manages."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return 0
