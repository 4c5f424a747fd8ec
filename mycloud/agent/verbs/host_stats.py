"""How busy the host is, and each server on it."""

from __future__ import annotations

from typing import Any

from mycloud.agent.host import Host
from mycloud.agent.registry import verb
from mycloud.agent.statistics import proc, view
from mycloud.agent.statistics.sampler import Sampler


@verb("host.stats")
def stats(host: Host) -> dict[str, Any]:
    """How busy the host is and each server on it: the last figures, and rates since the ones
    before."""
    return view.document(host.name, *host.part(Sampler).current())


@verb("host.uptime")
def uptime(host: Host) -> dict[str, Any]:
    """How long the host has been up, and its load, in one line as uptime(1) prints it."""
    return {"uptime": proc.uptime_line()}
