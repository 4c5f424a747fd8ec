"""What the kernel's messages say, as small records in the words of ``ip -j``."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterable, Mapping
from typing import Any

from mycloud.agent.netinfo.netlink import Message

UP, LOWER_UP = 0x1, 0x10000
_ETHERNET, _LOOPBACK = 1, 772
_PERMANENT, _TENTATIVE, _DEPRECATED, _SECONDARY = 0x80, 0x40, 0x20, 0x01
_FOREVER = 0xFFFFFFFF

FAMILIES = {socket.AF_INET: "inet", socket.AF_INET6: "inet6"}
SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
TABLES = {255: "local", 254: "main", 253: "default"}
PROTOCOLS = {
    0: "unspec", 1: "redirect", 2: "kernel", 3: "boot", 4: "static", 9: "ra", 16: "dhcp",
    186: "bgp", 188: "ospf",
}
ROUTE_TYPES = {
    1: "unicast", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast", 6: "blackhole",
    7: "unreachable", 8: "prohibit", 9: "throw", 10: "nat",
}
BOND_MODES = (
    "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb",
    "balance-alb",
)
PORT_STATES = ("disabled", "listening", "learning", "forwarding", "blocking")

#: what is kept of the properties of a link's own kind, and of a port
_INFO = {
    "bridge": (
        "IFLA_BR_STP_STATE", "IFLA_BR_FORWARD_DELAY", "IFLA_BR_AGEING_TIME", "IFLA_BR_PRIORITY",
        "IFLA_BR_VLAN_FILTERING",
    ),
    "bond": (
        "IFLA_BOND_MODE", "IFLA_BOND_ACTIVE_SLAVE", "IFLA_BOND_PRIMARY", "IFLA_BOND_MIIMON",
        "IFLA_BOND_XMIT_HASH_POLICY", "IFLA_BOND_AD_LACP_RATE",
    ),
    "vlan": ("IFLA_VLAN_ID",),
    "vxlan": ("IFLA_VXLAN_ID",),
}
_PORT = ("IFLA_BRPORT_STATE", "IFLA_BOND_SLAVE_MII_STATUS")


@dataclasses.dataclass(frozen=True)
class Link:
    """One interface.

    :ivar kind: the driver's of a virtual one (``bridge``, ``bond``, ``vlan``, ``veth``, ``tun``
        ...), ``loopback``, or ``physical``
    :ivar up: it is switched on; ``state`` tells whether it works (RFC 2863, in small letters)
    :ivar master: index of the bridge or bond that it is a port of
    :ivar parent: index of what it lies upon (a VLAN), or of its other end (veth)
    :ivar foreign: its parent or other end is in another network namespace
    :ivar info: properties of its kind, by the kernel's names (``_INFO``); ``port`` likewise, of a
        bridge's or bond's port
    """

    index: int
    name: str
    kind: str
    mac: str
    mtu: int
    up: bool
    carrier: bool
    state: str
    master: int | None
    parent: int | None
    foreign: bool
    permanent_mac: str | None
    alias: str | None
    info: Mapping[str, Any]
    port: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class AddressRecord:
    """An address on an interface; ``address`` is ADDRESS/LENGTH.

    :ivar dynamic: it ends unless it is given anew (DHCP, routers' advertisements)
    :ivar valid_seconds: until then; None: for ever
    """

    index: int
    family: str
    address: str
    scope: str
    dynamic: bool
    secondary: bool
    tentative: bool
    valid_seconds: int | None


@dataclasses.dataclass(frozen=True)
class Route:
    """A way to a network; of several next hops each is a route of its own.

    :ivar destination: ADDRESS/LENGTH, or ``default``
    :ivar device: index of the interface it leaves by
    """

    family: str
    destination: str
    gateway: str | None
    device: int | None
    source: str | None
    metric: int
    table: int
    protocol: str
    scope: str
    type: str


@dataclasses.dataclass(frozen=True)
class Rule:
    """Chooses the table that a packet's route is looked up in."""

    family: str
    priority: int
    source: str | None
    destination: str | None
    incoming: str | None
    table: int


def link(message: Message) -> Link:
    """Of a message about a link, be it an answer or an event."""
    linkinfo = message.get_attr("IFLA_LINKINFO")
    kind = linkinfo.get_attr("IFLA_INFO_KIND") if linkinfo is not None else None
    if not kind:
        kind = "loopback" if message["ifi_type"] == _LOOPBACK else "physical"
    flags = message["flags"]
    return Link(
        index=message["index"],
        name=message.get_attr("IFLA_IFNAME"),
        kind=kind,
        mac=message.get_attr("IFLA_ADDRESS") or "",
        mtu=message.get_attr("IFLA_MTU") or 0,
        up=bool(flags & UP),
        carrier=bool(flags & LOWER_UP),
        state=(message.get_attr("IFLA_OPERSTATE") or "unknown").lower(),
        master=message.get_attr("IFLA_MASTER"),
        parent=message.get_attr("IFLA_LINK"),
        foreign=message.get_attr("IFLA_LINK_NETNSID") is not None,
        permanent_mac=message.get_attr("IFLA_PERM_ADDRESS"),
        alias=message.get_attr("IFLA_IFALIAS"),
        info=_attributes(linkinfo, "IFLA_INFO_DATA", _INFO.get(kind, ())),
        port=_attributes(linkinfo, "IFLA_INFO_SLAVE_DATA", _PORT),
    )


def works(link: Link) -> bool:
    """It passes packets; the state of the loopback and of some virtual ones is not known."""
    # the state follows the carrier within a second
    return link.up and link.carrier and link.state in ("up", "unknown")


def address(message: Message) -> AddressRecord:
    """Of a message about an address."""
    flags = message.get_attr("IFA_FLAGS") or message["flags"]
    # on a point-to-point link IFA_ADDRESS is the other end's
    own = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    valid = (message.get_attr("IFA_CACHEINFO") or {}).get("ifa_valid", _FOREVER)
    return AddressRecord(
        index=message["index"],
        family=FAMILIES.get(message["family"], str(message["family"])),
        address=f"{own}/{message['prefixlen']}",
        scope=SCOPES.get(message["scope"], str(message["scope"])),
        dynamic=not flags & _PERMANENT,
        secondary=bool(flags & _SECONDARY),
        tentative=bool(flags & _TENTATIVE),
        valid_seconds=None if valid == _FOREVER else valid,
    )


def routes(message: Message) -> Iterable[Route]:
    """Of a message about a route; none of those that the kernel has looked up and remembers."""
    family = message["family"]
    if family not in FAMILIES:
        return []
    hops = [(message.get_attr("RTA_GATEWAY"), message.get_attr("RTA_OIF"))]
    several = message.get_attr("RTA_MULTIPATH")
    if several:
        hops = [(hop.get_attr("RTA_GATEWAY"), hop["oif"]) for hop in several]
    target = message.get_attr("RTA_DST")
    destination = "default"
    if target is not None or message["dst_len"]:
        destination = f"{target}/{message['dst_len']}"
    return [
        Route(
            family=FAMILIES[family],
            destination=destination,
            gateway=gateway or _via(message),
            device=device,
            source=message.get_attr("RTA_PREFSRC"),
            metric=message.get_attr("RTA_PRIORITY") or 0,
            table=message.get_attr("RTA_TABLE") or message["table"],
            protocol=PROTOCOLS.get(message["proto"], str(message["proto"])),
            scope=SCOPES.get(message["scope"], str(message["scope"])),
            type=ROUTE_TYPES.get(message["type"], str(message["type"])),
        )
        for gateway, device in hops
    ]


def rule(message: Message) -> Rule:
    """Of a message about a rule."""
    return Rule(
        family=FAMILIES.get(message["family"], str(message["family"])),
        priority=message.get_attr("FRA_PRIORITY") or 0,
        source=_prefix(message.get_attr("FRA_SRC"), message["src_len"]),
        destination=_prefix(message.get_attr("FRA_DST"), message["dst_len"]),
        incoming=message.get_attr("FRA_IIFNAME"),
        table=message.get_attr("FRA_TABLE") or message["table"],
    )


def _via(message: Message) -> str | None:
    """The gateway of an IPv4 route by way of IPv6."""
    via = message.get_attr("RTA_VIA")
    return via["addr"] if via else None


def _prefix(address: str | None, length: int) -> str | None:
    return f"{address}/{length}" if address else None


def _attributes(linkinfo: Message, part: str, names: Iterable[str]) -> dict[str, Any]:
    data = linkinfo.get_attr(part) if linkinfo is not None else None
    # of a kind that pyroute2 does not know it is a text of bytes
    if data is None or not hasattr(data, "get_attr"):
        return {}
    return {name: value for name in names if (value := data.get_attr(name)) is not None}
