"""What a DHCP client's hook tells the agent: one JSON object in one datagram.

``{"action": "configure", "device": "eth0", "address": "192.0.2.7/24", "gateway": "192.0.2.1"}``,
or ``{"action": "remove", "device": "eth0", "family": 4}``.  The hook that is shipped,
``etc/mycloud/dhclient-exit-hook``, writes these.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json

from mycloud.agent.network import addresses, conversions
from mycloud.common import exceptions

CONFIGURE, REMOVE = "configure", "remove"
#: more than any client has to tell
LONGEST = 4096


@dataclasses.dataclass(frozen=True)
class Lease:
    """:ivar address: ADDRESS/LENGTH"""

    address: str
    gateway: str


@dataclasses.dataclass(frozen=True)
class DhcpEvent:
    """:ivar family: 4 or 6
    :ivar lease: None: there is none any more
    """

    device: str
    family: int
    lease: Lease | None


def parse(data: bytes) -> DhcpEvent:
    """:raises BadField: it is no such event; names the field"""
    if len(data) > LONGEST:
        raise exceptions.BadField(field="event", reason=f"it has more than {LONGEST} bytes")
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        raise exceptions.BadField(field="event", reason="it is no JSON") from None
    if not isinstance(told, dict):
        raise exceptions.BadField(field="event", reason="it is no object")
    device = conversions.interface_name("device", told.get("device"))
    action = told.get("action")
    if action == REMOVE:
        family = told.get("family")
        if family not in (addresses.IPV4, addresses.IPV6):
            raise exceptions.BadField(field="family", reason=f"{family!r} is neither 4 nor 6")
        return DhcpEvent(device, family, None)
    if action != CONFIGURE:
        raise exceptions.BadField(
            field="action", reason=f"{action!r} is neither {CONFIGURE} nor {REMOVE}"
        )
    given = told.get("address")
    family = addresses.IPV6 if isinstance(given, str) and ":" in given else addresses.IPV4
    address = addresses.address("address", given, family)
    return DhcpEvent(device, family, Lease(address, _gateway(told.get("gateway"), family)))


def _gateway(given: object, family: int) -> str:
    # it need not be in the address's network: some clouds lease single addresses
    try:
        found = ipaddress.ip_address(str(given))
    except ValueError:
        found = None
    if found is None or found.version != family or found.is_unspecified or found.is_multicast:
        raise exceptions.BadField(
            field="gateway", reason=f"{given!r} is no address of a router of IPv{family}"
        )
    return str(found)
