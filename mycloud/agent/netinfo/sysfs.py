"""What only files of the kernel and of the system tell: drivers, speeds, virtual functions."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from mycloud.agent.network import conversions

#: what ``Files.nic`` tells
NIC_FIELDS = ("driver", "bus", "speed_mbps", "duplex", "sriov")

_NET = "class/net"


@dataclasses.dataclass(frozen=True)
class Files:
    """Where these files are; tests have a tree of their own."""

    sys: Path = Path("/sys")
    resolv_conf: Path = Path("/etc/resolv.conf")

    def nic(self, name: str) -> dict[str, Any]:
        """``driver``, ``speed_mbps``, ``duplex``, ``bus`` and ``sriov`` of a NIC.

        What is not known is None: without a carrier there is no speed, and few NICs have virtual
        functions.
        """
        device = self.sys / _NET / conversions.interface_name("interface", name)
        speed = _number(device / "speed")
        duplex = _line(device / "duplex")
        total = _number(device / "device" / "sriov_totalvfs")
        virtual = None
        if total:
            virtual = {"total": total, "vfs": _number(device / "device" / "sriov_numvfs") or 0}
        return {
            "driver": _target(device / "device" / "driver"),
            "bus": _target(device / "device"),
            # -1, or 2^32 - 1 by older drivers: not known
            "speed_mbps": speed if speed is not None and 0 < speed < 1 << 31 else None,
            "duplex": duplex if duplex in ("full", "half") else None,
            "sriov": virtual,
        }

    def total_virtual_functions(self, name: str) -> int:
        """How many a NIC can have; 0 for one that has no such thing."""
        found: int = (self.nic(name)["sriov"] or {"total": 0})["total"]
        return found

    def name_servers(self) -> list[str]:
        """Whom the host's resolver asks, the first one first."""
        try:
            text = self.resolv_conf.read_text(errors="replace")
        except OSError:
            return []
        lines = (line.split() for line in text.splitlines())
        return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]


def _line(path: Path) -> str | None:
    # a NIC may be gone meanwhile, or refuse to tell while it is down
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _number(path: Path) -> int | None:
    line = _line(path)
    try:
        return int(line) if line else None
    except ValueError:
        return None


def _target(path: Path) -> str | None:
    try:
        return path.resolve(strict=True).name if path.exists() else None
    except OSError:
        return None
