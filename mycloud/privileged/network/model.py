"""The network of a host as data: links, addresses, routes, name servers, DHCP clients."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from mycloud.privileged import arguments, errors

#: kinds of links that mycloud makes
BRIDGE, VLAN, BOND = "bridge", "vlan", "bond"
KINDS = (BRIDGE, VLAN, BOND)
#: mark of the links that mycloud has made: the number of their group
GROUP = 27769

FAMILIES = ("v4", "v6")
#: the kernel's own metric of IPv6 routes that are given none
METRICS = {"v4": 0, "v6": 1024}
FOREVER = 0xFFFFFFFF
STATIC = 4

Option = str | int | bool


@dataclasses.dataclass(frozen=True)
class Link:
    """:ivar kind: one of ``KINDS`` for what mycloud has made, else ``""``
    :ivar base: the link that a VLAN, or what is like one, lies on
    :ivar options: of a bridge ``stp``, of a bond its options by the kernel's names
    """

    name: str
    kind: str = ""
    up: bool = True
    mtu: int = 1500
    master: str | None = None
    base: str | None = None
    vlan: int | None = None
    options: Mapping[str, Option] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, order=True)
class Address:
    """:ivar address: with the length of its prefix
    :ivar leased: it ends by itself: a lease or a router's advertisement gave it
    :ivar valid: seconds until then; changes all the time, so two addresses may differ in it
    """

    link: str
    address: str
    leased: bool = False
    valid: int = dataclasses.field(default=FOREVER, compare=False)
    preferred: int = dataclasses.field(default=FOREVER, compare=False)

    @property
    def family(self) -> str:
        return family(self.address)

    @property
    def interface(self) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
        return ipaddress.ip_interface(self.address)


@dataclasses.dataclass(frozen=True, order=True)
class Route:
    """A route of the main table.

    :ivar destination: a network; the default route is ``0.0.0.0/0`` or ``::/0``
    :ivar source: the address that the host then uses as its own
    :ivar protocol: who has set it, by the kernel's numbers
    """

    link: str
    destination: str
    gateway: str = ""
    metric: int = 0
    source: str = ""
    protocol: int = STATIC
    onlink: bool = False

    @property
    def family(self) -> str:
        return family(self.destination)

    @property
    def default(self) -> bool:
        return self.destination in ("0.0.0.0/0", "::/0")


@dataclasses.dataclass(frozen=True, order=True)
class SourceRoute:
    """What is asked at an address is answered by a gateway of its link's own.

    :ivar address: with the length of its prefix
    """

    link: str
    address: str
    gateway: str

    @property
    def family(self) -> str:
        return family(self.address)


@dataclasses.dataclass(frozen=True, order=True)
class Client:
    """A DHCP client.

    :ivar default_route: it may set the default route and the name servers, too
    """

    link: str
    family: str
    default_route: bool = False


@dataclasses.dataclass(frozen=True, order=True)
class Share:
    """What a network has of what the link that it lies on sends; see ``tc.qos``.

    :ivar vlan: its tag; 0 of the network without one
    :ivar share: of what is left over, 1 to 100
    :ivar limit: bits a second at most; 0: none; ``guaranteed`` likewise
    """

    link: str
    vlan: int = 0
    share: int = 50
    limit: int = 0
    guaranteed: int = 0

    @property
    def network(self) -> str:
        """Of which network, for people."""
        return f"VLAN {self.vlan}" if self.vlan else "the untagged network"


@dataclasses.dataclass(frozen=True)
class State:
    """:ivar name_servers: None: they are not decided here
    :ivar dhcp: the clients that run
    """

    links: Mapping[str, Link] = dataclasses.field(default_factory=dict)
    addresses: frozenset[Address] = frozenset()
    routes: frozenset[Route] = frozenset()
    name_servers: tuple[str, ...] | None = None
    dhcp: frozenset[Client] = frozenset()
    shares: frozenset[Share] = frozenset()
    source_routes: frozenset[SourceRoute] = frozenset()


@dataclasses.dataclass(frozen=True)
class Scope:
    """What of a state is decided: a change leaves alone all that is not in it.

    :ivar links: names of links
    :ivar addressed: those of them whose addresses, routes and DHCP are decided, too
    """

    links: frozenset[str]
    addressed: frozenset[str]


def family(address: str) -> str:
    """``v4`` or ``v6``."""
    return "v6" if ":" in address else "v4"


def default_metric(destination: str) -> int:
    """What the kernel takes where none is given."""
    return METRICS[family(destination)]


def state_to_json(state: State) -> dict[str, Any]:
    """What ``state_from_json`` reads."""
    return {
        "links": [dataclasses.asdict(state.links[name]) for name in sorted(state.links)],
        "addresses": [dataclasses.asdict(each) for each in sorted(state.addresses)],
        "routes": [dataclasses.asdict(each) for each in sorted(state.routes)],
        "name_servers": None if state.name_servers is None else list(state.name_servers),
        "dhcp": [dataclasses.asdict(each) for each in sorted(state.dhcp)],
        "shares": [dataclasses.asdict(each) for each in sorted(state.shares)],
        "source_routes": [dataclasses.asdict(each) for each in sorted(state.source_routes)],
    }


def state_from_json(data: Any) -> State:
    """:raises InvalidArguments: it is none; says what is wrong"""
    fields = _fields(
        "state", data, links=list, addresses=list, routes=list, dhcp=list, shares=list,
        source_routes=list, name_servers=(list, type(None)),
    )
    links = [link_from_json(each) for each in fields.get("links", [])]
    servers = fields.get("name_servers")
    return State(
        {link.name: link for link in links},
        frozenset(address_from_json(each) for each in fields.get("addresses", [])),
        frozenset(route_from_json(each) for each in fields.get("routes", [])),
        None if servers is None else tuple(_checked("name server", each, _SERVER)
                                           for each in servers),
        frozenset(client_from_json(each) for each in fields.get("dhcp", [])),
        frozenset(share_from_json(each) for each in fields.get("shares", [])),
        frozenset(source_route_from_json(each) for each in fields.get("source_routes", [])),
    )


def scope_to_json(scope: Scope) -> dict[str, Any]:
    """What ``scope_from_json`` reads."""
    return {"links": sorted(scope.links), "addressed": sorted(scope.addressed)}


def scope_from_json(data: Any) -> Scope:
    """:raises InvalidArguments: it is none"""
    fields = _fields("scope", data, links=list, addressed=list)
    names = frozenset(_name(each) for each in fields.get("links", []))
    addressed = frozenset(_name(each) for each in fields.get("addressed", []))
    if addressed - names:
        raise errors.InvalidArguments("scope: 'addressed' names links that are not in 'links'")
    return Scope(names, addressed)


def link_from_json(data: Any) -> Link:
    """:raises InvalidArguments: it is no link"""
    fields = _fields(
        "link", data, name=str, kind=str, up=bool, mtu=int, master=(str, type(None)),
        base=(str, type(None)), vlan=(int, type(None)), options=dict,
    )
    link = Link(**{"name": "", **fields})
    _name(link.name)
    for other in (link.master, link.base):
        if other is not None:
            _name(other)
    if link.kind not in ("", *KINDS):
        raise errors.InvalidArguments(f"link {link.name}: no kind {link.kind!r}")
    if link.kind == VLAN and (link.base is None or link.vlan is None):
        raise errors.InvalidArguments(f"link {link.name}: a VLAN has a base and an id")
    if link.vlan is not None and not 0 <= link.vlan < 4095:
        raise errors.InvalidArguments(f"link {link.name}: a VLAN's id is between 1 and 4094")
    if link.kind and not 68 <= link.mtu <= 65535:
        raise errors.InvalidArguments(f"link {link.name}: its MTU is between 68 and 65535")
    return link


def address_from_json(data: Any) -> Address:
    """:raises InvalidArguments: it is no address"""
    fields = _fields("address", data, link=str, address=str, leased=bool, valid=int, preferred=int)
    address = Address(**{"link": "", "address": "", **fields})
    _name(address.link)
    _parsed("address", address.address, ipaddress.ip_interface)
    return dataclasses.replace(address, address=str(address.interface))


def route_from_json(data: Any) -> Route:
    """:raises InvalidArguments: it is no route"""
    fields = _fields(
        "route", data, link=str, destination=str, gateway=str, metric=int, source=str,
        protocol=int, onlink=bool,
    )
    route = Route(**{"link": "", "destination": "", **fields})
    _name(route.link)
    _parsed("destination", route.destination, ipaddress.ip_network)
    for what, value in (("gateway", route.gateway), ("source", route.source)):
        if value:
            _parsed(what, value, ipaddress.ip_address)
            if family(value) != route.family:
                raise errors.InvalidArguments(
                    f"route {route.destination}: {what} of another family"
                )
    if not 0 <= route.metric < 1 << 32 or not 0 <= route.protocol < 256:
        raise errors.InvalidArguments(
            f"route {route.destination}: metric or protocol out of range"
        )
    return route


def client_from_json(data: Any) -> Client:
    """:raises InvalidArguments: it is none"""
    fields = _fields("dhcp", data, link=str, family=str, default_route=bool)
    client = Client(**{"link": "", "family": "", **fields})
    _name(client.link)
    if client.family not in FAMILIES:
        raise errors.InvalidArguments(f"dhcp: the family is v4 or v6, not {client.family!r}")
    return client


def share_from_json(data: Any) -> Share:
    """:raises InvalidArguments: it is none"""
    fields = _fields("share", data, link=str, vlan=int, share=int, limit=int, guaranteed=int)
    share = Share(**{"link": "", **fields})
    _name(share.link)
    if not 0 <= share.vlan < 4095:
        raise errors.InvalidArguments("share: a VLAN's id is between 1 and 4094")
    return share


def source_route_from_json(data: Any) -> SourceRoute:
    """:raises InvalidArguments: it is none"""
    fields = _fields("source route", data, link=str, address=str, gateway=str)
    route = SourceRoute(**{"link": "", "address": "", "gateway": "", **fields})
    _name(route.link)
    _parsed("address", route.address, ipaddress.ip_interface)
    _parsed("gateway", route.gateway, ipaddress.ip_address)
    if family(route.gateway) != route.family or "/" not in route.address:
        raise errors.InvalidArguments(f"source route: {route.gateway} does not fit the address")
    return route


def _fields(what: str, data: Any, **kinds: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise errors.InvalidArguments(f"{what}: an object is wanted")
    for name, value in data.items():
        kind = kinds.get(name)
        if kind is None:
            raise errors.InvalidArguments(f"{what}: unknown key {name!r}")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise errors.InvalidArguments(f"{what}: {name!r} is of the wrong type")
    return data


def check_of(kind: Any) -> arguments.Check:
    """What a checked kind of argument holds a value to."""
    (check,) = kind.__metadata__
    assert isinstance(check, arguments.Check)
    return check


_INTERFACE = check_of(arguments.InterfaceName)
_SERVER = arguments.Check(
    "the address of a name server", lambda value: bool(ipaddress.ip_address(value))
)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _INTERFACE.holds(value):
        raise errors.InvalidArguments(f"{value!r}: the name of a network interface is wanted")
    return value


def _checked(what: str, value: Any, check: arguments.Check) -> str:
    return str(_parsed(what, value, lambda text: check.holds(text) and text))


def _parsed(what: str, value: Any, parse: Any) -> Any:
    if not isinstance(value, str):
        raise errors.InvalidArguments(f"{what}: text is wanted")
    try:
        return parse(value)
    except ValueError as error:
        raise errors.InvalidArguments(f"{what}: {error}") from None


def of_links(found: Iterable[Any], names: frozenset[str]) -> list[Any]:
    """Those that lie on one of these links, in a fixed order."""
    return sorted(each for each in found if each.link in names)
