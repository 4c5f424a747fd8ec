"""What machine this is."""

from __future__ import annotations

import platform
from pathlib import Path

from mycloud.privileged.expose import expose

_DMI = Path("/sys/class/dmi/id")
_DEVICE_TREE = Path("/proc/device-tree")
#: by the name that is told: files of DMI, of which root alone may read some, and of a device tree
_FILES = {
    "manufacturer": ("sys_vendor", None),
    "product": ("product_name", "model"),
    "version": ("product_version", None),
    "serial": ("product_serial", "serial-number"),
    "uuid": ("product_uuid", None),
    "family": ("product_family", None),
}
#: what makers leave in the tables when they have nothing to say
_NOTHING = {"", "none", "not specified", "to be filled by o.e.m.", "default string", "system"}


@expose(touches="nothing", idempotent=True, deadline=5.0)
def hardware_info() -> dict[str, str | None]:
    """Manufacturer, product, version, serial, uuid, family and architecture; what the machine
    does not tell is null."""
    told = {name: _dmi(dmi) or _tree(tree) for name, (dmi, tree) in _FILES.items()}
    if told["uuid"] is not None:
        told["uuid"] = told["uuid"].lower()
    return {**told, "architecture": platform.machine()}


def _dmi(name: str) -> str | None:
    return _read(_DMI / name)


def _tree(name: str | None) -> str | None:
    return None if name is None else _read(_DEVICE_TREE / name)


def _read(path: Path) -> str | None:
    try:
        words = path.read_bytes().rstrip(b"\0").decode(errors="replace").strip()
    except OSError:
        return None
    return None if words.lower() in _NOTHING else words
