"""What the agent says of itself."""

from __future__ import annotations

from typing import Any

from mycloud.agent.host import Host
from mycloud.agent.registry import verb


@verb("agent.ping")
def ping(host: Host) -> dict[str, Any]:
    """Say that the agent is there, and of which host it is."""
    return {"host": host.name}
