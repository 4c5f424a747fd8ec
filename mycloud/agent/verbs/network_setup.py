"""The networks of the host, set up by a document; see ``agent.network.canonical`` for its form.

Whoever applies a document must prove that the host is still reached and then commit, before the
seconds that are left have passed; else the root helper brings the host back to what was.
"""

from __future__ import annotations

from typing import Annotated, Any

from oslo_config import cfg

from mycloud.agent.dhcp.monitor import DhcpMonitor
from mycloud.agent.host import Host
from mycloud.agent.network import canonical
from mycloud.agent.network.backends import BACKENDS
from mycloud.agent.network.setup import Setup
from mycloud.agent.registry import verb
from mycloud.privileged import client
from mycloud.privileged.arguments import Check, Uuid

Seconds = Annotated[
    float, Check("between 1 and 3600 seconds", lambda value: 1 <= value <= 3600)
]


@verb("network.plan")
def plan(host: Host, *, document: dict[str, Any]) -> dict[str, Any]:
    """What ``network.apply`` would do; nothing is changed.

    :returns: ``{"lines": [each step for people, in order], "actions": [{"action": its kind, ...}],
        "document": all that the host would have then, in canonical form,
        "connectivity_timeout": seconds}``; without lines, all is as it shall be
    """
    made, change = _setup().plan(document)
    return {
        **made.to_json(), "document": canonical.to_document(made.config),
        "connectivity_timeout": change.seconds,
    }


@verb("network.apply", changes=True)
def apply(
    host: Host, *, document: dict[str, Any], timeout: Seconds | None = None
) -> dict[str, Any]:
    """Change the host's networks, under a checkpoint.

    :param timeout: seconds until the host goes back by itself; else the document's
        ``options.connectivity_timeout``, else 120
    :returns: ``{"checkpoint": id, "seconds_left": float, "lines": [...], "actions": [...]}``;
        ``checkpoint`` is None if nothing had to be changed: then there is nothing to commit
    """
    return _setup().apply(document, timeout)


@verb("network.commit", changes=True)
def commit(host: Host, *, checkpoint: Uuid) -> dict[str, Any]:
    """Stay with what was applied, also after the host's next start; again, it is no failure.

    :returns: ``{"id", "outcome": "committed", "reason": "", "problems": [], "at": seconds since
        1970}``
    """
    ended = _setup().commit(checkpoint)
    monitor = host.parts.get(DhcpMonitor)
    if monitor is not None:
        monitor.refresh()
    return ended


@verb("network.rollback", changes=True)
def rollback(
    host: Host, *, checkpoint: Uuid, reason: str = "it was asked for"
) -> dict[str, Any]:
    """Go back to what was before; again, it is no failure.

    :returns: ``{"id", "outcome": "rolled back", "reason", "problems": [what could not be
        restored], "at"}``
    """
    return _setup().rollback(checkpoint, reason)


@verb("network.status")
def status(host: Host) -> dict[str, Any]:
    """What is set up, and how the last change ended.

    :returns: ``{"document": what was committed last, in canonical form (without any network if
        nothing was), "armed": {"id", "seconds_left", "document", "links"} | None,
        "last": {"id", "outcome": "committed" | "rolled back", "reason", "problems", "at"} | None,
        "boot": {"id", "restored", "problems", "at"} | None, "backend": "netlink" | "nmstate"}``
    """
    return _setup().status()


def _setup() -> Setup:
    backend = BACKENDS[cfg.CONF.agent.network_backend]
    return Setup(client.call, backend(client.call))
