"""What becomes of a lease: run by a DHCP client at each event, as root.

``udhcpc`` names the event in its argument, ``dhclient`` in ``$reason``; both tell the lease by the
environment.
"""

from __future__ import annotations

import dataclasses
import fcntl
import ipaddress
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from mycloud.privileged import source_routes
from mycloud.privileged.network import kernel, resolver
from mycloud.privileged.network.model import (
    Address,
    Client,
    Link,
    Route,
    default_metric,
)

#: the kernel's number for "a lease has told it"
PROTOCOL_DHCP = 16
_COMES = {"bound", "renew", "rebind", "reboot", "bound6", "renew6", "rebind6"}
_GOES = {"deconfig", "expire", "release", "stop", "expire6", "release6", "stop6", "depref6"}
_USUAL_SECONDS = 3600
_LONGEST = 0xFFFFFFFE


@dataclasses.dataclass(frozen=True)
class Lease:
    """:ivar address: with the length of its prefix
    :ivar seconds: that it is good for
    :ivar routers: the first is the best
    """

    address: str
    seconds: int
    preferred: int
    routers: tuple[str, ...] = ()
    name_servers: tuple[str, ...] = ()


def main(link: str, family: str, *, default_route: bool) -> int:
    """Do what the client asks for."""
    told = dict(os.environ)
    word = sys.argv[1] if len(sys.argv) > 1 else told.get("reason", "")
    client = Client(link, family, default_route)
    # two events of one client, one after the other
    with Path(sys.argv[0]).open() as script:
        fcntl.flock(script, fcntl.LOCK_EX)
        if word.lower() in _COMES:
            apply(client, read(told, family))
        elif word.lower() in _GOES:
            apply(client, None)
        elif word.lower().startswith("preinit"):
            kernel.set_link(link, {"up": True})
    return 0


def read(told: Mapping[str, str], family: str) -> Lease:
    """The lease that either client tells of.

    :raises ValueError: an address in it is none
    """
    if family == "v6":
        address = f"{told['new_ip6_address']}/{told.get('new_ip6_prefixlen', '128')}"
        seconds = _seconds(told.get("new_max_life"))
        preferred = _seconds(told.get("new_preferred_life"))
        return Lease(
            str(ipaddress.ip_interface(address)), seconds, min(preferred, seconds),
            name_servers=_addresses(told.get("new_dhcp6_name_servers")),
        )
    address = told.get("new_ip_address") or told["ip"]
    mask = told.get("new_subnet_mask") or told.get("subnet") or told.get("mask") or "32"
    seconds = _seconds(told.get("new_dhcp_lease_time") or told.get("lease"))
    return Lease(
        str(ipaddress.ip_interface(f"{address}/{mask}")), seconds, seconds,
        _addresses(told.get("new_routers") or told.get("router")),
        _addresses(told.get("new_domain_name_servers") or told.get("dns")),
    )


def apply(client: Client, lease: Lease | None) -> None:
    """Let the link have what the lease says, and nothing of earlier leases.

    :param lease: None: there is none any more
    """
    now = kernel.state()
    link: Link | None = now.links.get(client.link)
    if link is None:
        return
    fresh = None if lease is None else Address(
        client.link, lease.address, leased=True, valid=lease.seconds, preferred=lease.preferred
    )
    routes = _routes(client, lease) if lease else frozenset()
    for route in now.routes - routes:
        if _mine(client, route) and route.protocol == PROTOCOL_DHCP:
            kernel.remove_route(route)
    for address in now.addresses:
        if _mine(client, address) and address.leased and address != fresh:
            kernel.remove_address(address)
    if lease is None or fresh is None:
        source_routes.remove(client.link, int(client.family[1]))
        return
    kernel.add_address(fresh)
    for route in sorted(routes - now.routes):
        kernel.add_route(route)
    if client.default_route and lease.name_servers:
        resolver.write(lease.name_servers)
    if lease.routers and not client.default_route:
        # what is asked on this network is answered on it
        source_routes.add(client.link, lease.address, lease.routers[0])


def _routes(client: Client, lease: Lease) -> frozenset[Route]:
    if not client.default_route or not lease.routers:
        return frozenset()
    destination = "0.0.0.0/0"
    own = ipaddress.ip_interface(lease.address).network
    router = ipaddress.ip_address(lease.routers[0])
    return frozenset({Route(
        client.link, destination, str(router), default_metric(destination),
        protocol=PROTOCOL_DHCP, onlink=router not in own,
    )})


def _mine(client: Client, each: Address | Route) -> bool:
    return (each.link, each.family) == (client.link, client.family)


def _seconds(told: str | None) -> int:
    found = int(told) if told and told.isdigit() else _USUAL_SECONDS
    return max(1, min(found, _LONGEST))


def _addresses(told: str | None) -> tuple[str, ...]:
    words = (told or "").replace(",", " ").split()
    return tuple(str(ipaddress.ip_address(each)) for each in words)
