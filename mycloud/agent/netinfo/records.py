"""What the kernel's messages say, as small records in the words of ``ip -j``."""

from __future__ import annotations

import dataclasses
import enum
import socket
import struct
from collections.abc import Iterator, Mapping

from mycloud.privileged.netlink import as_number, as_text, attributes

UP, LOWER_UP = 0x1, 0x10000
_LOOPBACK = 772
_PERMANENT, _TENTATIVE, _SECONDARY = 0x80, 0x40, 0x01

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
LINK_STATES = (
    "unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up",
)
BOND_MODES = (
    "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb",
    "balance-alb",
)
PORT_STATES = ("disabled", "listening", "learning", "forwarding", "blocking")

_INFO_KIND, _INFO_DATA, _INFO_SLAVE_KIND, _INFO_SLAVE_DATA = 1, 2, 4, 5


class _IFLA(enum.IntEnum):
    ADDRESS = 1
    IFNAME = 3
    MTU = 4
    LINK = 5
    MASTER = 10
    OPERSTATE = 16
    LINKINFO = 18
    IFALIAS = 20
    LINK_NETNSID = 37
    PERM_ADDRESS = 54


class _IFA(enum.IntEnum):
    ADDRESS = 1
    LOCAL = 2
    CACHEINFO = 6
    FLAGS = 8


class _RTA(enum.IntEnum):
    DST = 1
    OIF = 4
    GATEWAY = 5
    PRIORITY = 6
    PREFSRC = 7
    MULTIPATH = 9
    TABLE = 15
    VIA = 18


class _FRA(enum.IntEnum):
    DST = 1
    SRC = 2
    IIFNAME = 3
    PRIORITY = 6
    TABLE = 15


_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEXT_HOP = struct.Struct("=HBBi")
#: of an address that never ends
_FOREVER = 0xFFFFFFFF


class Info(enum.IntEnum):
    """Attributes of a link's own kind that are kept: the hundreds tell the kind."""

    STP = 105
    FORWARD_DELAY = 101
    VLAN_FILTERING = 107
    BOND_MODE = 201
    BOND_ACTIVE = 202
    BOND_MIIMON = 203
    BOND_PRIMARY = 211
    VLAN_ID = 301


_KINDS = {"bridge": 100, "bond": 200, "vlan": 300}
_PORT_STATE = 1


@dataclasses.dataclass(frozen=True)
class Link:
    """One interface.

    :ivar kind: the driver's of a virtual one (``bridge``, ``bond``, ``vlan``, ``veth``, ``tun``
        ...), ``loopback``, or ``physical``
    :ivar up: it is switched on; ``state`` tells whether it works (RFC 2863, in small letters)
    :ivar master: index of the bridge or bond that it is a port of
    :ivar parent: index of what it lies upon (a VLAN), or of its other end (veth)
    :ivar foreign: its parent or other end is in another network namespace
    :ivar info: properties of its kind
    :ivar port_state: of a bridge's port
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
    info: Mapping[Info, int]
    port_state: str | None


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


def link(body: bytes) -> Link:
    """Of a message about a link, be it an answer or an event."""
    _, hardware, index, flags, _ = _LINK.unpack_from(body)
    told = attributes(body[_LINK.size:])
    own = attributes(told.get(_IFLA.LINKINFO, b""))
    kind = as_text(own.get(_INFO_KIND, b""))
    properties = attributes(own.get(_INFO_DATA, b"")) if kind in _KINDS else {}
    port = None
    if as_text(own.get(_INFO_SLAVE_KIND, b"")) == "bridge":
        state = attributes(own.get(_INFO_SLAVE_DATA, b"")).get(_PORT_STATE)
        port = None if state is None else _named(PORT_STATES, as_number(state))
    return Link(
        index=index,
        name=as_text(told.get(_IFLA.IFNAME, b"")),
        kind=kind or ("loopback" if hardware == _LOOPBACK else "physical"),
        mac=told.get(_IFLA.ADDRESS, b"").hex(":"),
        mtu=_number(told, _IFLA.MTU) or 0,
        up=bool(flags & UP),
        carrier=bool(flags & LOWER_UP),
        state=_named(LINK_STATES, _number(told, _IFLA.OPERSTATE) or 0),
        master=_number(told, _IFLA.MASTER),
        parent=_number(told, _IFLA.LINK),
        foreign=_IFLA.LINK_NETNSID in told,
        permanent_mac=told[_IFLA.PERM_ADDRESS].hex(":") if _IFLA.PERM_ADDRESS in told else None,
        alias=as_text(told[_IFLA.IFALIAS]) if _IFLA.IFALIAS in told else None,
        info={
            each: as_number(properties[each % 100]) for each in Info
            if each // 100 * 100 == _KINDS.get(kind) and each % 100 in properties
        },
        port_state=port,
    )


def works(link: Link) -> bool:
    """It passes packets; the state of the loopback and of some virtual ones is not known."""
    # the state follows the carrier within a second
    return link.up and link.carrier and link.state in ("up", "unknown")


def address(body: bytes) -> AddressRecord:
    """Of a message about an address."""
    family, length, flags, scope, index = _ADDRESS.unpack_from(body)
    told = attributes(body[_ADDRESS.size:])
    flags = _number(told, _IFA.FLAGS) or flags
    # on a point-to-point link ADDRESS is the other end's
    own = told.get(_IFA.LOCAL) or told.get(_IFA.ADDRESS, b"")
    life = told.get(_IFA.CACHEINFO, b"")
    valid = as_number(life[4:8]) if len(life) >= 8 else _FOREVER
    return AddressRecord(
        index=index,
        family=FAMILIES.get(family, str(family)),
        address=f"{_ip(own)}/{length}",
        scope=SCOPES.get(scope, str(scope)),
        dynamic=not flags & _PERMANENT,
        secondary=bool(flags & _SECONDARY),
        tentative=bool(flags & _TENTATIVE),
        valid_seconds=None if valid == _FOREVER else valid,
    )


def routes(body: bytes) -> list[Route]:
    """Of a message about a route: one for each next hop."""
    family, length, _, _, table, protocol, scope, kind, _ = _ROUTE.unpack_from(body)
    if family not in FAMILIES:
        return []
    told = attributes(body[_ROUTE.size:])
    hops = [(told, _number(told, _RTA.OIF))]
    if _RTA.MULTIPATH in told:
        hops = list(_hops(told[_RTA.MULTIPATH]))
    destination = f"{_ip(told[_RTA.DST])}/{length}" if _RTA.DST in told else "default"
    return [
        Route(
            family=FAMILIES[family],
            destination=destination,
            gateway=_gateway(hop),
            device=device,
            source=_ip(told[_RTA.PREFSRC]) if _RTA.PREFSRC in told else None,
            metric=_number(told, _RTA.PRIORITY) or 0,
            table=_number(told, _RTA.TABLE) or table,
            protocol=PROTOCOLS.get(protocol, str(protocol)),
            scope=SCOPES.get(scope, str(scope)),
            type=ROUTE_TYPES.get(kind, str(kind)),
        )
        for hop, device in hops
    ]


def rule(body: bytes) -> Rule:
    """Of a message about a rule."""
    family, to_length, from_length, _, table, _, _, _, _ = _ROUTE.unpack_from(body)
    told = attributes(body[_ROUTE.size:])
    return Rule(
        family=FAMILIES.get(family, str(family)),
        priority=_number(told, _FRA.PRIORITY) or 0,
        source=f"{_ip(told[_FRA.SRC])}/{from_length}" if _FRA.SRC in told else None,
        destination=f"{_ip(told[_FRA.DST])}/{to_length}" if _FRA.DST in told else None,
        incoming=as_text(told[_FRA.IIFNAME]) if _FRA.IIFNAME in told else None,
        table=_number(told, _FRA.TABLE) or table,
    )


def _hops(data: bytes) -> Iterator[tuple[dict[int, bytes], int | None]]:
    at = 0
    while at + _NEXT_HOP.size <= len(data):
        length, _, _, device = _NEXT_HOP.unpack_from(data, at)
        if length < _NEXT_HOP.size:
            return
        yield attributes(data[at + _NEXT_HOP.size:at + length]), device
        at += length + (-length % 4)


def _gateway(hop: dict[int, bytes]) -> str | None:
    if _RTA.GATEWAY in hop:
        return _ip(hop[_RTA.GATEWAY])
    # of an IPv4 route by way of IPv6: its family, then the address
    return _ip(hop[_RTA.VIA][2:]) if _RTA.VIA in hop else None


def _ip(packed: bytes) -> str:
    family = {4: socket.AF_INET, 16: socket.AF_INET6}.get(len(packed))
    return packed.hex() if family is None else socket.inet_ntop(family, packed)


def _number(told: dict[int, bytes], kind: int) -> int | None:
    return as_number(told[kind]) if kind in told else None


def _named(names: tuple[str, ...], number: int) -> str:
    return names[number] if number < len(names) else str(number)
