"""How busy the host is, and each server on it."""

from __future__ import annotations

from typing import Any

from mycloud.agent.host import Host
from mycloud.agent.registry import verb
from mycloud.agent.statistics import view
from mycloud.agent.statistics.sampler import Sampler


@verb("host.stats")
def stats(host: Host) -> dict[str, Any]:
    """The last sample with rates; see statistics.view."""
    return view.document(host.name, *host.part(Sampler).current())
