"""All facts of a host in one document."""

from __future__ import annotations

import datetime
import platform
from importlib import metadata
from typing import Any

from mycloud.agent.facts import machine
from mycloud.agent.host import Host
from mycloud.agent.hypervisor import Hypervisor
from mycloud.agent.statistics import proc
from mycloud.common import clock, exceptions
from mycloud.privileged import client, errors


def facts(host: Host) -> dict[str, Any]:
    """See the verb host.facts."""
    versions, trouble = _hypervisor(host)
    figures = proc.figures(host.state_dir)
    booted = clock.now() - datetime.timedelta(seconds=figures.uptime_seconds)
    return {
        "host": host.name,
        "host_name": platform.node(),
        "operating_system": machine.operating_system(),
        "booted_at": booted.isoformat(timespec="seconds") + "Z",
        "cpu": machine.cpu(),
        "numa": machine.numa(),
        "memory": {**figures.memory, "huge_pages": machine.huge_pages()},
        "disks": machine.disks(),
        "file_systems": [
            {"path": each.path, "size_bytes": each.size_bytes, "free_bytes": each.free_bytes}
            for each in figures.file_systems
        ],
        "hardware": hardware(),
        "versions": {
            "mycloud": _version(),
            "kernel": platform.release(),
            "python": platform.python_version(),
            **versions,
        },
        "hypervisor": {"answers": trouble is None, "reason": trouble},
    }


def hardware() -> dict[str, Any]:
    """What the root helper reads of the firmware's tables; where it does not answer, what anybody
    may read, and ``reason`` says why there is no more."""
    try:
        helper = client.get()
        # not waited for: a helper that is not there is told, not hoped for
        if not helper.path.exists():
            raise errors.HelperUnavailable(f"There is no socket {helper.path}")
        found: dict[str, Any] = client.call.hardware_info()
    except errors.PrivilegedError as error:
        return {**machine.hardware(), "reason": error.message}
    return {**found, "reason": None}


def _hypervisor(host: Host) -> tuple[dict[str, str], str | None]:
    hypervisor = host.part(Hypervisor)  # type: ignore[type-abstract]
    try:
        return hypervisor.versions(), None
    except exceptions.MycloudError as error:
        return {}, error.message


def _version() -> str:
    try:
        return metadata.version("mycloud")
    except metadata.PackageNotFoundError:
        return "unknown"
