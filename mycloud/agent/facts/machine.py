"""The machine, as the kernel tells it to anybody under /proc and /sys."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ROOT = Path("/")
_KIB = 1024
#: the kernel's unit in /sys/block/*/size, whatever the disk's own is
_SECTOR = 512
#: not the machine's: made by software, mostly in advance and for nothing
_NO_DISKS = ("loop", "ram", "zram", "nbd", "dm-", "md", "sr", "fd")
#: of the tables of the firmware, what anybody may read
_DMI = {
    "manufacturer": "sys_vendor",
    "product": "product_name",
    "version": "product_version",
    "family": "product_family",
}


def cpu(root: Path = _ROOT) -> dict[str, Any]:
    """Model, vendor, architecture, counts and flags of the processors that are on."""
    first = _first_processor(root)
    places = [*_topology(root)]
    sockets = len({socket for socket, _core in places}) or 1
    cores = len(set(places)) or 1
    cpus = len(places) or 1
    return {
        "architecture": platform.machine(),
        "model": first.get("model name") or first.get("Model") or first.get("cpu model"),
        "vendor": first.get("vendor_id") or first.get("CPU implementer"),
        "cpus": cpus,
        "sockets": sockets,
        "cores_per_socket": max(1, cores // sockets),
        "threads_per_core": max(1, cpus // cores),
        "flags": sorted((first.get("flags") or first.get("Features") or "").split()),
    }


def numa(root: Path = _ROOT) -> list[dict[str, Any]]:
    """Each node with its processors and memory; none where the kernel knows of no nodes."""
    found = []
    for node in _numbered(root / "sys/devices/system/node", "node"):
        told = {}
        for line in _text(node / "meminfo").splitlines():
            # Node 0 MemTotal: 123 kB
            words = line.split()
            if len(words) >= 4:
                told[words[2].rstrip(":")] = int(words[3]) * _KIB
        found.append(
            {
                "node": int(node.name.removeprefix("node")),
                "cpus": _text(node / "cpulist"),
                "memory_bytes": told.get("MemTotal", 0),
                "free_bytes": told.get("MemFree", 0),
            }
        )
    return found


def huge_pages(root: Path = _ROOT) -> list[dict[str, int]]:
    """How many there are of each size."""
    found = []
    for size in sorted((root / "sys/kernel/mm/hugepages").glob("hugepages-*kB")):
        kib = int(size.name.removeprefix("hugepages-").removesuffix("kB"))
        found.append(
            {
                "size_bytes": kib * _KIB,
                "total": int(_text(size / "nr_hugepages") or 0),
                "free": int(_text(size / "free_hugepages") or 0),
            }
        )
    return found


def disks(root: Path = _ROOT) -> list[dict[str, Any]]:
    """Each whole disk of the machine."""
    return [
        {
            "device": path.name.replace("!", "/"),
            "size_bytes": int(_text(path / "size") or 0) * _SECTOR,
            "model": _text(path / "device/model") or None,
            "vendor": _text(path / "device/vendor") or None,
            "rotational": _text(path / "queue/rotational") == "1",
            "read_only": _text(path / "ro") == "1",
        }
        for path in sorted((root / "sys/block").glob("*"))
        if not path.name.startswith(_NO_DISKS)
    ]


def hardware(root: Path = _ROOT) -> dict[str, str | None]:
    """What anybody may read of the firmware's tables; serial number and uuid are for root."""
    tables = root / "sys/class/dmi/id"
    found: dict[str, str | None] = {
        name: _text(tables / file) or None for name, file in _DMI.items()
    }
    return {**found, "serial": None, "uuid": None, "architecture": platform.machine()}


def operating_system(root: Path = _ROOT) -> str | None:
    """Its name and version in words."""
    match = re.search(r'^PRETTY_NAME="?(.*?)"?$', _text(root / "etc/os-release"), re.MULTILINE)
    return match[1] if match else None


def _first_processor(root: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _text(root / "proc/cpuinfo").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            # some architectures tell the model once, after all processors
            found.setdefault(key.strip(), value.strip())
    return found


def _topology(root: Path) -> Iterator[tuple[str, str]]:
    """(socket, core) of each processor."""
    for path in _numbered(root / "sys/devices/system/cpu", "cpu"):
        socket = _text(path / "topology/physical_package_id")
        # one that is off tells nothing
        if socket:
            yield socket, _text(path / "topology/core_id")


def _numbered(directory: Path, prefix: str) -> list[Path]:
    """The entries that are called so and end in a number, in its order."""
    found = [
        path for path in directory.glob(f"{prefix}[0-9]*")
        if path.name.removeprefix(prefix).isdigit()
    ]
    return sorted(found, key=lambda path: int(path.name.removeprefix(prefix)))


def _text(path: Path) -> str:
    """What is in a small file; nothing if it can't be read."""
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return ""
