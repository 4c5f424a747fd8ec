"""Asks the kernel how the network of this host is, and tells it what to change.

Changes are idempotent: what is there already, or gone already, is no failure.
"""

from __future__ import annotations

import dataclasses
import errno
import ipaddress
import socket
import struct
from typing import Any

from mycloud.privileged import errors, netlink, source_routes
from mycloud.privileged.arguments import InterfaceName
from mycloud.privileged.netlink import Netlink, attribute, number, text
from mycloud.privileged.network import bonding
from mycloud.privileged.network.model import (
    BOND,
    BRIDGE,
    FOREVER,
    GROUP,
    KINDS,
    VLAN,
    Address,
    Link,
    Route,
    SourceRoute,
    State,
    check_of,
    default_metric,
)

_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_LEASE = struct.Struct("=IIII")
_IFNAME, _MTU, _BASE, _MASTER, _INFO, _GROUP = 3, 4, 5, 10, 18, 27
_INFO_KIND, _INFO_DATA = 1, 2
_VLAN_ID, _BRIDGE_STP, _VETH_PEER = 1, 5, 1
_A_ADDRESS, _A_LOCAL, _A_BROADCAST, _A_LEASE, _A_FLAGS, _A_PROTOCOL = 1, 2, 4, 6, 8, 11
_R_DESTINATION, _R_LINK, _R_GATEWAY, _R_METRIC, _R_SOURCE, _R_MULTIPATH, _R_TABLE = (
    1, 4, 5, 6, 7, 9, 15
)
_UP = 1
_NAME = check_of(InterfaceName)
_MAIN, _UNICAST, _ONLINK = 254, 1, 4
_SCOPE_LINK, _SCOPE_UNIVERSE, _SCOPE_ANY = 253, 0, 255
#: routes and addresses that the kernel makes itself, or routers tell it
_PROTOCOL_KERNEL, _PROTOCOL_RA = 2, 9
_ADDRESS_OF_KERNEL = (1, 2, 3)
_TEMPORARY, _MANAGES_TEMPORARY = 0x01, 0x100
_FAMILIES = {socket.AF_INET: 4, socket.AF_INET6: 6}
#: kinds that lie on the link that they name
_STACKED = ("vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec")


@dataclasses.dataclass(frozen=True)
class Seen:
    """A link as the kernel tells it.

    :ivar real_kind: the kernel's word, ``""`` for hardware
    :ivar own: mycloud has made it
    """

    link: Link
    index: int
    real_kind: str
    own: bool


def links() -> dict[str, Seen]:
    """All links of this network namespace by name."""
    with Netlink() as kernel:
        return _links(kernel)


def state() -> State:
    """Links, addresses and routes of this network namespace; not the kernel's own routes and
    link-local addresses, and not what routers advertise."""
    with Netlink() as kernel:
        seen = _links(kernel)
        names = {each.index: name for name, each in seen.items()}
        addresses = [
            _address(body, names)
            for _, body in kernel.dump(netlink.GETADDR, _ADDRESS.pack(0, 0, 0, 0, 0))
        ]
        told = [body for _, body in kernel.dump(netlink.GETROUTE, _ROUTE.pack(*[0] * 9))]
    routes = [_route(body, names) for body in told]
    return State(
        {name: each.link for name, each in seen.items()},
        frozenset(each for each in addresses if each),
        frozenset(each for each in routes if each),
        source_routes=_source_routes(told, names),
    )


def add_link(link: Link, *, peer: str | None = None) -> None:
    """Make a link, down and a port of nothing, marked as mycloud's.

    :param peer: of a veth, the name of its other end
    """
    with Netlink() as kernel:
        if _number(link.name) is not None:
            there = _link(kernel, link.name)
            if there.own and there.real_kind == link.kind and _alike(there.link, link):
                return
            raise errors.SystemFailed(
                f"there is a link {link.name} already, and it is another one",
                errno=errno.EEXIST, link=link.name,
            )
        base = None if link.base is None else _index(link.base)
        _Request(
            netlink.NEWLINK, new_link(link, base, peer), f"make the link {link.name}",
            flags=netlink.CREATE | netlink.EXCLUSIVE,
        ).send(kernel)
        if link.kind == BRIDGE:
            # a bridge follows the MTU of its ports until it is told one that differs from its own
            index = _index(link.name)
            for mtu in (link.mtu - 1 if link.mtu > 68 else link.mtu + 1, link.mtu):
                _Request(
                    netlink.NEWLINK, _LINK.pack(0, 0, index, 0, 0) + number(_MTU, mtu),
                    f"set the MTU of {link.name}",
                ).send(kernel)


def new_link(link: Link, base: int | None, peer: str | None = None) -> bytes:
    """What the kernel is told of a link that it is to make.

    :param base: index of the link that it lies on
    :raises InvalidArguments: an option of a bond is none
    """
    body = _LINK.pack(0, 0, 0, 0, 0) + text(_IFNAME, link.name) + number(_GROUP, GROUP)
    body += number(_MTU, link.mtu)
    if base is not None:
        body += number(_BASE, base)
    info = text(_INFO_KIND, link.kind) + attribute(_INFO_DATA, _details(link, peer))
    return body + attribute(_INFO, info)


def remove_link(name: str) -> None:
    """Remove a link; one that is gone is no failure."""
    index = _number(name)
    if index is None:
        return
    with Netlink() as kernel:
        _Request(
            netlink.DELLINK, _LINK.pack(0, 0, index, 0, 0), f"remove the link {name}",
            fine=(errno.ENODEV,),
        ).send(kernel)


def set_link(name: str, after: dict[str, Any]) -> None:
    """:param after: any of ``up``, ``mtu``, ``master`` (None: a port of nothing), ``options``"""
    with Netlink() as kernel:
        index = _index(name)
        up = after.get("up")
        flags = (_UP if up else 0, _UP) if up is not None else (0, 0)
        body = _LINK.pack(0, 0, index, *flags)
        if "mtu" in after:
            body += number(_MTU, after["mtu"])
        if "master" in after:
            master = after["master"]
            body += number(_MASTER, _index(master) if master is not None else 0)
        if after.get("options"):
            seen = _link(kernel, name)
            link = dataclasses.replace(seen.link, options=after["options"])
            body += attribute(_INFO, text(_INFO_KIND, seen.real_kind)
                              + attribute(_INFO_DATA, _details(link, None)))
        _Request(netlink.NEWLINK, body, f"change {name}").send(kernel)


def mark(names: list[str]) -> None:
    """Note that links are mycloud's, whoever has made them for it."""
    with Netlink() as kernel:
        seen = _links(kernel)
        for name in names:
            if name in seen and not seen[name].own:
                body = _LINK.pack(0, 0, seen[name].index, 0, 0) + number(_GROUP, GROUP)
                _Request(netlink.NEWLINK, body, f"mark {name}").send(kernel)


def add_address(address: Address) -> None:
    """Give it to the link, for good or for the seconds that are left of a lease."""
    interface = address.interface
    packed = interface.ip.packed
    with Netlink() as kernel:
        body = _address_body(address) + attribute(_A_LOCAL, packed)
        body += attribute(_A_ADDRESS, packed)
        if interface.version == 4 and interface.network.prefixlen < 31:
            body += attribute(_A_BROADCAST, interface.network.broadcast_address.packed)
        body += attribute(_A_LEASE, _LEASE.pack(address.preferred, address.valid, 0, 0))
        _Request(
            netlink.NEWADDR, body,
            f"give {address.link} the address {address.address}",
            flags=netlink.CREATE | netlink.REPLACE, fine=(errno.EEXIST,),
        ).send(kernel)


def remove_address(address: Address) -> None:
    """Take it from the link; one that is gone is no failure."""
    with Netlink() as kernel:
        if _number(address.link) is None:
            return
        body = _address_body(address)
        body += attribute(_A_LOCAL, address.interface.ip.packed)
        _Request(
            netlink.DELADDR, body, f"take {address.address} from {address.link}",
            fine=(errno.EADDRNOTAVAIL, errno.ENODEV),
        ).send(kernel)


def add_route(route: Route) -> None:
    """Set it in the main table."""
    with Netlink() as kernel:
        try:
            _Request(
                netlink.NEWROUTE, _route_body(route), f"set {_told(route)}",
                flags=netlink.CREATE | netlink.EXCLUSIVE,
            ).send(kernel)
        except errors.SystemFailed as error:
            if error.details.get("errno") != errno.EEXIST or route not in state().routes:
                raise


def remove_route(route: Route) -> None:
    """Forget it; one that is gone is no failure."""
    with Netlink() as kernel:
        if _number(route.link) is None:
            return
        _Request(
            netlink.DELROUTE, _route_body(route, scope=_SCOPE_ANY),
            f"forget {_told(route)}",
            fine=(errno.ESRCH, errno.ENODEV),
        ).send(kernel)


@dataclasses.dataclass(frozen=True)
class _Request:
    """:ivar what: the change, in words that go on "the kernel does not"
    :ivar fine: errors that say that it is so already
    """

    kind: int
    body: bytes
    what: str
    flags: int = 0
    fine: tuple[int, ...] = ()

    def send(self, kernel: Netlink) -> None:
        """:raises SystemFailed: the kernel has refused"""
        try:
            kernel.change(self.kind, self.body, flags=self.flags)
        except netlink.NetlinkError as error:
            if error.errno in self.fine:
                return
            hint = _HINTS.get(error.errno or 0, "")
            raise errors.SystemFailed(
                f"The kernel does not {self.what}: {error.strerror}{hint}", errno=error.errno
            ) from None


_HINTS = {
    errno.EEXIST: " (another one of the same metric is there)",
    errno.EOPNOTSUPP: " (this kernel lacks the module, or the option)",
    errno.ENETUNREACH: " (the gateway is in no network of this link)",
    errno.EHOSTUNREACH: " (the gateway is in no network of this link)",
    errno.ENETDOWN: " (the link, or the one that it lies on, is down)",
}


def _link(kernel: Netlink, name: str) -> Seen:
    seen = _links(kernel)
    if name not in seen:
        raise errors.SystemFailed(f"there is no link {name}", errno=errno.ENODEV, link=name)
    return seen[name]


def _links(kernel: Netlink) -> dict[str, Seen]:
    told = kernel.dump(netlink.GETLINK, _LINK.pack(0, 0, 0, 0, 0))
    return links_of([body for _, body in told])


def links_of(bodies: list[bytes]) -> dict[str, Seen]:
    """The links that the kernel has told of."""
    raw = []
    for body in bodies:
        _, _, index, flags, _ = _LINK.unpack_from(body)
        raw.append((index, flags, netlink.attributes(body[_LINK.size:])))
    names = {
        index: name for index, _, found in raw
        # one that no verb would take is nobody's to change
        if _NAME.holds(name := netlink.as_text(found[_IFNAME]))
    }
    seen = [_seen(index, flags, found, names) for index, flags, found in raw if index in names]
    return {each.link.name: each for each in seen}


def _seen(index: int, flags: int, found: dict[int, bytes], names: dict[int, str]) -> Seen:
    info = netlink.attributes(found.get(_INFO, b""))
    kind = netlink.as_text(info.get(_INFO_KIND, b""))
    data = netlink.attributes(info.get(_INFO_DATA, b""))
    own = netlink.as_number(found.get(_GROUP, b"\0")) == GROUP
    options: dict[str, Any] = {}
    if kind == BRIDGE:
        options = {"stp": netlink.as_number(data.get(_BRIDGE_STP, b"\0")) != 0}
    elif kind == BOND:
        options = {
            name: bonding.decode(name, netlink.as_number(data[each.attribute]))
            for name, each in bonding.OPTIONS.items() if each.attribute in data
        }
    link = Link(
        names[index], kind if own and kind in KINDS else "", bool(flags & _UP),
        netlink.as_number(found[_MTU]),
        names.get(netlink.as_number(found.get(_MASTER, b""))),
        names.get(netlink.as_number(found.get(_BASE, b""))) if kind in _STACKED else None,
        netlink.as_number(data[_VLAN_ID]) if kind == VLAN and _VLAN_ID in data else None,
        options,
    )
    return Seen(link, index, kind, own)


def _details(link: Link, peer: str | None) -> bytes:
    if link.kind == VLAN:
        return number(_VLAN_ID, link.vlan or 0, size=2)
    if link.kind == BRIDGE:
        return number(_BRIDGE_STP, int(bool(link.options.get("stp"))))
    if link.kind == BOND:
        _check_bond(link)
        return b"".join(
            number(option.attribute, bonding.encode(name, link.options[name]), size=option.size)
            for name, option in bonding.OPTIONS.items()
            if name in link.options
            and (name == bonding.MODE or bonding.encode(name, link.options[name]) != option.usual)
        )
    if peer is not None:
        return attribute(
            _VETH_PEER,
            _LINK.pack(0, 0, 0, 0, 0) + text(_IFNAME, peer) + number(_GROUP, GROUP)
            + number(_MTU, link.mtu),
        )
    return b""


def _check_bond(link: Link) -> None:
    try:
        bonding.canonical(link.options)
    except ValueError as error:
        raise errors.InvalidArguments(f"{link.name}: {error}") from None


def _alike(there: Link, wanted: Link) -> bool:
    return (there.base, there.vlan) == (wanted.base, wanted.vlan)


def _number(name: str) -> int | None:
    """The index of a link; None: there is none."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return None


def _index(name: str) -> int:
    found = _number(name)
    if found is None:
        raise errors.SystemFailed(f"there is no link {name}", errno=errno.ENODEV, link=name)
    return found


def _address(body: bytes, names: dict[int, str]) -> Address | None:
    family, length, flags, _, index = _ADDRESS.unpack_from(body)
    found = netlink.attributes(body[_ADDRESS.size:])
    flags = netlink.as_number(found.get(_A_FLAGS, bytes([flags])))
    packed = found.get(_A_LOCAL) or found.get(_A_ADDRESS)
    if family not in _FAMILIES or packed is None or index not in names:
        return None
    if netlink.as_number(found.get(_A_PROTOCOL, b"\0")) in _ADDRESS_OF_KERNEL:
        return None
    ip = ipaddress.ip_address(packed)
    if ip.version == 6 and (ip.is_link_local or flags & (_TEMPORARY | _MANAGES_TEMPORARY)):
        return None
    preferred, valid = FOREVER, FOREVER
    if _A_LEASE in found:
        preferred, valid, _, _ = _LEASE.unpack_from(found[_A_LEASE])
    return Address(names[index], f"{ip}/{length}", valid != FOREVER, valid, preferred)


def _address_body(address: Address) -> bytes:
    family = socket.AF_INET if address.family == "v4" else socket.AF_INET6
    index = _index(address.link)
    return _ADDRESS.pack(family, address.interface.network.prefixlen, 0, 0, index)


def _route(body: bytes, names: dict[int, str]) -> Route | None:
    family, length, _, _, table, protocol, _, kind, flags = _ROUTE.unpack_from(body)
    found = netlink.attributes(body[_ROUTE.size:])
    table = netlink.as_number(found.get(_R_TABLE, bytes([table])))
    name = names.get(netlink.as_number(found.get(_R_LINK, b"")))
    if (
        family not in _FAMILIES or table != _MAIN or kind != _UNICAST or name is None
        or protocol in (_PROTOCOL_KERNEL, _PROTOCOL_RA)
    ):
        return None
    default = "::" if family == socket.AF_INET6 else "0.0.0.0"
    destination = _ip(found.get(_R_DESTINATION)) or default
    return Route(
        name, f"{destination}/{length}", _ip(found.get(_R_GATEWAY)),
        netlink.as_number(found.get(_R_METRIC, b"\0")), _ip(found.get(_R_SOURCE)), protocol,
        bool(flags & _ONLINK),
    )


def _source_routes(told: list[bytes], names: dict[int, str]) -> frozenset[SourceRoute]:
    """Of the tables of links' own: the default route, and the network beside it."""
    ways: dict[tuple[str, int], str] = {}
    own: dict[tuple[str, int], str] = {}
    for body in told:
        family, length, _, _, table, protocol, _, _, _ = _ROUTE.unpack_from(body)
        if protocol != int(source_routes.PROTOCOL) or family not in _FAMILIES:
            continue
        found = netlink.attributes(body[_ROUTE.size:])
        name = names.get(netlink.as_number(found.get(_R_LINK, b"")), "")
        table = netlink.as_number(found.get(_R_TABLE, bytes([table])))
        if not name or table != source_routes.table_of(name):
            continue
        if _R_DESTINATION not in found:
            ways[name, family] = _ip(found.get(_R_GATEWAY))
        else:
            own[name, family] = f"{_ip(found.get(_R_SOURCE))}/{length}"
    return frozenset(
        SourceRoute(name, own[name, family], gateway)
        for (name, family), gateway in ways.items() if (name, family) in own and gateway
    )


def _ip(packed: bytes | None) -> str:
    return str(ipaddress.ip_address(packed)) if packed else ""


def _route_body(route: Route, *, scope: int | None = None) -> bytes:
    family = socket.AF_INET if route.family == "v4" else socket.AF_INET6
    network = ipaddress.ip_network(route.destination)
    if scope is None or route.family == "v6":
        scope = _SCOPE_UNIVERSE if route.gateway or route.family == "v6" else _SCOPE_LINK
    body = _ROUTE.pack(
        family, network.prefixlen, 0, 0, _MAIN, route.protocol, scope, _UNICAST,
        _ONLINK if route.onlink else 0,
    )
    if network.prefixlen:
        body += attribute(_R_DESTINATION, network.network_address.packed)
    body += number(_R_LINK, _index(route.link))
    for kind, value in ((_R_GATEWAY, route.gateway), (_R_SOURCE, route.source)):
        if value:
            body += attribute(kind, ipaddress.ip_address(value).packed)
    metric = route.metric or default_metric(route.destination)
    return body + (number(_R_METRIC, metric) if metric else b"")


def _told(route: Route) -> str:
    where = "the default route" if route.default else f"the route to {route.destination}"
    return f"{where} on {route.link}"
