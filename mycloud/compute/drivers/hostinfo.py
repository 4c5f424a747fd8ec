"""Facts of this machine that no hypervisor is needed for."""

from __future__ import annotations

import platform
from pathlib import Path


def architecture() -> str:
    """The machine's processor architecture, by QEMU's name."""
    return platform.machine()


def memory_mb() -> int:
    """MiB of memory that the kernel manages."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return 0
