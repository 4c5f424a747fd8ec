"""DHCP clients of the host's links."""

from __future__ import annotations

from typing import Any, Literal

from mycloud.privileged.arguments import InterfaceName, Uuid
from mycloud.privileged.expose import expose
from mycloud.privileged.network import dhcp
from mycloud.privileged.network.model import Client
from mycloud.privileged.verbs.links import changing

Family = Literal["v4", "v6"]
_TOUCHES = "the host's dhclient or udhcpc; what its lease gives to the link"


@expose(touches=_TOUCHES, idempotent=True)
def dhcp_start(
    link: InterfaceName, family: Family, *, default_route: bool = False,
    checkpoint: Uuid | None = None,
) -> None:
    """Let the link have an address by a lease, as long as it is renewed.

    :param default_route: the lease also says the default route and the name servers
    """
    with changing(link, checkpoint=checkpoint):
        dhcp.start(Client(link, family, default_route))


@expose(touches=_TOUCHES, idempotent=True)
def dhcp_stop(
    link: InterfaceName, family: Family, *, default_route: bool = False,
    checkpoint: Uuid | None = None,
) -> None:
    """End the client; its address stays until it is removed, or the lease is over."""
    with changing(link, checkpoint=checkpoint):
        dhcp.stop(Client(link, family, default_route))


@expose(touches="nothing", idempotent=True)
def dhcp_clients() -> list[dict[str, Any]]:
    """:returns: each client that runs: ``{"link", "family", "default_route"}``"""
    return [
        {"link": each.link, "family": each.family, "default_route": each.default_route}
        for each in sorted(dhcp.running())
    ]
