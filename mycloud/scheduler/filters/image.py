"""Refuse hosts that can't run an image, by what its properties say."""

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

from mycloud.scheduler.filters.base import Filter
from mycloud.scheduler.host_state import HostState, Request

_ALIASES = {
    "amd64": "x86_64",
    "x64": "x86_64",
    "i386": "i686",
    "i486": "i686",
    "i586": "i686",
    "arm64": "aarch64",
}
#: What a machine runs beside its own architecture.
_ALSO = {"x86_64": {"i686"}}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_PREDICATE = re.compile(r"\s*(==|!=|>=|<=|>|<)\s*(\d+(?:\.\d+)*)\s*")


class ImageFilter(Filter):
    """Architecture, hypervisor type and version, and virtual machine mode."""

    label = "image properties"
    effort = 10

    def refuses(self, host: HostState, request: Request) -> bool:
        return any(True for _ in _unfit(host, request.image_properties))

    def remedy(self, host: HostState, request: Request) -> str:
        reasons = ", ".join(_unfit(host, request.image_properties))
        return f"can't run the image ({reasons}): choose another image"


def _unfit(host: HostState, properties: dict[str, str]) -> Iterator[str]:
    if not properties:
        return
    has = host.capabilities
    wanted = _of(properties, "hw_architecture", "architecture")
    if wanted and "arch" in has and wanted not in _architectures(has["arch"]):
        yield f"it is for {wanted}, the host is {has['arch']}"
    wanted = _of(properties, "img_hv_type", "hypervisor_type")
    if wanted and wanted not in _hypervisors(has):
        yield f"it is for {wanted}, the host has {has['hypervisor_type']}"
    wanted = _of(properties, "hw_vm_mode", "vm_mode")
    if wanted and wanted != has.get("vm_mode", "hvm").lower():
        yield f"it is for mode {wanted}"
    wanted = properties.get("img_hv_requested_version") or (
        properties.get("hypervisor_version_requires") or ""
    )
    if wanted and not version_fits(host.hypervisor_version, wanted):
        yield f"it wants version {wanted}, the host has {dotted(host.hypervisor_version)}"


def _of(properties: dict[str, str], *names: str) -> str:
    """The first of these properties that is set, in its usual spelling."""
    text = next((properties[name] for name in names if properties.get(name)), "").lower()
    return _ALIASES.get(text, text)


def _architectures(machine: str) -> set[str]:
    name = _ALIASES.get(machine.lower(), machine.lower())
    return {name} | _ALSO.get(name, set())


def _hypervisors(has: dict[str, Any]) -> set[str]:
    """A host with KVM runs guests of plain QEMU too."""
    return {str(has[name]).lower() for name in ("hypervisor_type", "virt_type") if name in has}


def dotted(version: int) -> str:
    """7002003, as hypervisors report it, as 7.2.3."""
    return f"{version // 1000000}.{version // 1000 % 1000}.{version % 1000}"


def version_fits(version: int, wanted: str) -> bool:
    """Whether a version is in a list of bounds like ">=7.0, <8"; False if it is no such list."""
    have = (version // 1000000, version // 1000 % 1000, version % 1000)
    for part in wanted.split(","):
        found = _PREDICATE.fullmatch(part)
        if found is None:
            return False
        bound = tuple(int(number) for number in found[2].split("."))
        if not _COMPARE[found[1]](have, (*bound, 0, 0, 0)[:3]):
            return False
    return True
