"""The document that says how the networks of a host shall be, and its canonical form.

A document names networks and bonds of one host::

    networks:
      management: {nic: eth0, addresses: [192.0.2.7/24], gateway: 192.0.2.1, default_route: true,
                   name_servers: [192.0.2.53]}
      guests: {bond: bond0, vlan: 100, bridged: true, mtu: 9000,
               qos: {out: {ls: 70, ul: 2Gbit}}}
      former: {remove: true}
    bonds:
      bond0: {nics: [eth1, eth2], mode: 802.3ad, options: {miimon: 100}}
    options: {connectivity_timeout: 120}

What it does not name stays as it is.  In canonical form every network and bond has all its fields,
and the kernel's names are derived where a network's own is too long for it.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from mycloud.agent.network import addresses, conversions, qos
from mycloud.agent.network.qos import Qos
from mycloud.common import exceptions
from mycloud.privileged.network import bonding
from mycloud.privileged.network.model import FAMILIES, Option

CONNECTIVITY_SECONDS = 120
CONNECTIVITY_MOST = 3600
MTU = 1500
_MODE, _MIIMON = "active-backup", 100
_NAME_LENGTH = 64
_IPV6_MTU = 1280
_DHCP = {
    False: (), True: ("v4",), "v4": ("v4",), "v6": ("v6",), "both": FAMILIES, "none": (),
}
#: forms of ``switch``: what plugs servers into the network, or that nothing does
_SWITCHES = {"bridge": True, "linux": True, "none": False}


@dataclasses.dataclass(frozen=True)
class Network:
    """:ivar nic: the NIC that it lies on, or else ``bond`` is set
    :ivar addresses: each ADDRESS/LENGTH
    :ivar dhcp: families that a lease is asked for
    :ivar gateways: at most one of each family; without the default route, they lead back what is
        asked at the network's addresses
    :ivar qos: its share of what the base sends
    """

    name: str
    nic: str | None = None
    bond: str | None = None
    vlan: int | None = None
    bridged: bool = False
    stp: bool = False
    mtu: int = MTU
    addresses: tuple[str, ...] = ()
    dhcp: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    default_route: bool = False
    name_servers: tuple[str, ...] = ()
    qos: Qos | None = None

    @property
    def base(self) -> str:
        """The NIC or bond that it lies on."""
        return self.nic or self.bond or ""

    @property
    def carrier(self) -> str:
        """The link that its frames go through: the VLAN's, or the base."""
        return self.base if self.vlan is None else vlan_device(self.base, self.vlan)

    @property
    def device(self) -> str:
        """The link that has its addresses."""
        return bridge_name(self.name) if self.bridged else self.carrier


@dataclasses.dataclass(frozen=True)
class Bond:
    name: str
    nics: tuple[str, ...]
    options: Mapping[str, Option]


@dataclasses.dataclass(frozen=True)
class Config:
    """All networks and bonds that mycloud sets up on one host."""

    networks: Mapping[str, Network] = dataclasses.field(default_factory=dict)
    bonds: Mapping[str, Bond] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Change:
    """A document in canonical form.

    :ivar config: of all that the host shall have then
    :ivar seconds: the connectivity timeout
    """

    config: Config
    seconds: float


def change(document: object, running: Config) -> Change:
    """What a document makes of the running configuration.

    :raises BadField: it is no such document; names the field
    """
    fields = _object("document", document, ("networks", "bonds", "options"))
    networks, bonds = dict(running.networks), dict(running.bonds)
    for name, given in _named("networks", fields.get("networks")):
        _change(networks, f"networks.{name}", (name, given), _network)
    for name, given in _named("bonds", fields.get("bonds")):
        _change(bonds, f"bonds.{name}", (name, given), _bond)
    options = _object("options", fields.get("options"), ("connectivity_timeout",))
    seconds = conversions.whole_number(
        "options.connectivity_timeout",
        options.get("connectivity_timeout", CONNECTIVITY_SECONDS), 1, CONNECTIVITY_MOST,
    )
    return Change(Config(networks, bonds), float(seconds))


def to_document(config: Config) -> dict[str, Any]:
    """The document that makes this configuration of nothing: in canonical form."""
    return {
        "networks": {
            name: {
                "bridged": each.bridged, "mtu": each.mtu, "stp": each.stp,
                "addresses": list(each.addresses), "dhcp": _dhcp_word(each.dhcp),
                "gateway": list(each.gateways), "default_route": each.default_route,
                "name_servers": list(each.name_servers),
                **{key: value for key in ("nic", "bond", "vlan")
                   if (value := getattr(each, key)) is not None},
                **({"qos": each.qos.document()} if each.qos else {}),
            }
            for name, each in sorted(config.networks.items())
        },
        "bonds": {
            name: {
                "nics": list(each.nics), "mode": each.options[bonding.MODE],
                "options": {key: value for key, value in sorted(each.options.items())
                            if key != bonding.MODE},
            }
            for name, each in sorted(config.bonds.items())
        },
    }


def bridge_name(network: str) -> str:
    """The kernel's name of a network's bridge: its own, or one that is derived from it."""
    try:
        return conversions.interface_name("name", network)
    except exceptions.BadField:
        return f"my{_digest(network, 13)}"


def vlan_device(base: str, vlan: int) -> str:
    """The kernel's name of a VLAN's link."""
    name = f"{base}.{vlan}"
    if len(name) <= conversions.NAME_LENGTH:
        return name
    return f"vl{_digest(base, 8)}.{vlan}"


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _change(
    running: dict[str, Any], field: str, named: tuple[str, Any],
    read: Callable[[str, str, Mapping[str, Any]], Any],
) -> None:
    name, given = named
    if isinstance(given, Mapping) and "remove" in given:
        if conversions.boolean(f"{field}.remove", given["remove"]):
            if len(given) > 1:
                raise _bad(field, "remove stands alone; leave out its other fields")
            if name not in running:
                known = ", ".join(sorted(running)) or "there is none"
                raise _bad(field, f"it is not there to be removed; there are: {known}")
            del running[name]
            return
        given = {key: value for key, value in given.items() if key != "remove"}
    running[name] = read(name, field, given)


NETWORK_FIELDS = (
    "nic", "bond", "vlan", "bridged", "switch", "stp", "mtu", "addresses", "dhcp", "gateway",
    "default_route", "name_servers", "qos",
)


def _network(name: str, field: str, given: Mapping[str, Any]) -> Network:
    if len(name) > _NAME_LENGTH or not name.isprintable() or not name.strip() or "/" in name:
        raise _bad(field, f"its name is to have 1 to {_NAME_LENGTH} characters, and no slash")
    fields = _object(field, given, NETWORK_FIELDS)
    nic, bond = (
        conversions.interface_name(f"{field}.{key}", fields[key])
        if fields.get(key) is not None else None for key in ("nic", "bond")
    )
    if (nic is None) == (bond is None):
        raise _bad(field, "say what it lies on: either nic or bond")
    vlan = fields.get("vlan")
    bridged = _bridged(field, fields)
    found = Network(
        name, nic, bond,
        None if vlan is None else conversions.vlan_id(f"{field}.vlan", vlan),
        bridged,
        conversions.boolean(f"{field}.stp", fields.get("stp", False)),
        conversions.mtu(f"{field}.mtu", fields.get("mtu", MTU)),
        dhcp=_dhcp(f"{field}.dhcp", fields.get("dhcp", False)),
        default_route=conversions.boolean(
            f"{field}.default_route", fields.get("default_route", False)
        ),
        name_servers=addresses.name_servers(
            f"{field}.name_servers", fields.get("name_servers") or []
        ),
        qos=qos.read(f"{field}.qos", fields.get("qos")),
    )
    if found.stp and not bridged:
        raise _bad(f"{field}.stp", "only a bridge speaks STP; set bridged, or leave stp out")
    return _addressed(field, fields, found)


def _bridged(field: str, fields: Mapping[str, Any]) -> bool:
    switch = fields.get("switch")
    if switch is None:
        return conversions.boolean(f"{field}.bridged", fields.get("bridged", False))
    if switch not in _SWITCHES:
        raise _bad(f"{field}.switch", f"{switch!r} is no switch; choose bridge or none")
    bridged = _SWITCHES[str(switch)]
    if conversions.boolean(f"{field}.bridged", fields.get("bridged", bridged)) != bridged:
        raise _bad(f"{field}.switch", f"{switch} contradicts bridged; leave one of them out")
    return bridged


def _addressed(field: str, fields: Mapping[str, Any], found: Network) -> Network:
    """With its addresses and gateways."""
    given = _strings(f"{field}.addresses", fields.get("addresses"))
    gateways = _strings(f"{field}.gateway", fields.get("gateway"))
    here, ways = [], []
    for number, family in ((addresses.IPV4, "v4"), (addresses.IPV6, "v6")):
        mine = {at: each for at, each in enumerate(given) if (":" in each) == (family == "v6")}
        ways_here = [each for each in gateways if (":" in each) == (family == "v6")]
        if family in found.dhcp and mine:
            raise _bad(
                f"{field}.dhcp", f"DHC{'P' if family == 'v4' else 'Pv6'} together with "
                f"{', '.join(mine.values())}; choose one: dhcp, or addresses"
            )
        if family in found.dhcp and ways_here:
            raise _bad(
                f"{field}.gateway", "DHCP brings its own gateway; leave this one out, or give "
                "addresses instead of dhcp"
            )
        if len(ways_here) > 1:
            raise _bad(f"{field}.gateway", f"two gateways of IP{family}; name one")
        own = [
            addresses.address(f"{field}.addresses[{at}]", each, number)
            for at, each in mine.items()
        ]
        here += own
        ways += [addresses.gateway(f"{field}.gateway", each, own, number) for each in ways_here]
    _check_addresses(field, here, found)
    if found.default_route and not ways and not found.dhcp:
        raise _bad(
            f"{field}.default_route", "it leads through a gateway; name the gateway, or use dhcp"
        )
    return dataclasses.replace(found, addresses=tuple(here), gateways=tuple(ways))


def _check_addresses(field: str, found: list[str], network: Network) -> None:
    hosts = [each.partition("/")[0] for each in found]
    for at, host in enumerate(hosts):
        if host in hosts[:at]:
            raise _bad(f"{field}.addresses[{at}]", f"{host} is there twice; name it once")
        if host.lower().startswith("fe80:"):
            raise _bad(
                f"{field}.addresses[{at}]", f"{host} is link-local: the kernel gives these by "
                "itself; leave it out"
            )
    if network.mtu < _IPV6_MTU and ("v6" in network.dhcp or any(":" in each for each in found)):
        raise _bad(f"{field}.mtu", f"IPv6 needs {_IPV6_MTU} at least; raise it")


def _dhcp(field: str, given: Any) -> tuple[str, ...]:
    word = "v4" if given == 4 else "v6" if given == 6 else given
    if isinstance(word, list) and all(each in FAMILIES for each in word):
        return tuple(each for each in FAMILIES if each in word)
    if not isinstance(word, str | bool) or word not in _DHCP:
        raise _bad(field, f"{given!r} is none of true, false, v4, v6 and both")
    return _DHCP[word]


def _dhcp_word(families: tuple[str, ...]) -> str | bool:
    return "both" if len(families) == 2 else families[0] if families else False


def _bond(name: str, field: str, given: Mapping[str, Any]) -> Bond:
    conversions.interface_name(field, name)
    fields = _object(field, given, ("nics", "mode", "options"))
    nics = tuple(
        conversions.interface_name(f"{field}.nics[{at}]", each)
        for at, each in enumerate(_strings(f"{field}.nics", fields.get("nics")))
    )
    if not nics:
        raise _bad(f"{field}.nics", "a bond has one NIC at least; name it")
    for at, each in enumerate(nics):
        if each in nics[:at]:
            raise _bad(f"{field}.nics[{at}]", f"{each} is there twice; name it once")
    options = dict(_object(f"{field}.options", fields.get("options"), None))
    if bonding.MODE in options:
        raise _bad(f"{field}.options.mode", f"it stands beside options: {field}.mode")
    found: dict[str, Option] = {}
    wanted = {bonding.MODE: fields.get("mode", _MODE), **options}
    if "arp_interval" not in options:
        # without a look at its links a bond does not know that one is dead
        wanted = {"miimon": _MIIMON, **wanted}
    for key, value in wanted.items():
        where = f"{field}.mode" if key == bonding.MODE else f"{field}.options.{key}"
        try:
            found |= bonding.canonical({key: value})
        except ValueError as error:
            raise _bad(where, str(error)) from None
    return Bond(name, nics, found)


def _object(
    field: str, given: object, known: tuple[str, ...] | None
) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise _bad(field, f"{_shown(given)} is no object of named fields")
    for key in given:
        if not isinstance(key, str):
            raise _bad(field, f"the name {key!r} is no text; put it in quotation marks")
        if known is not None and key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise _bad(f"{field}.{key}", f"there is no such field; {hint}")
    return given


def _named(field: str, given: object) -> list[tuple[str, Any]]:
    found = _object(field, given, None)
    for name, value in found.items():
        if not isinstance(value, Mapping):
            raise _bad(f"{field}.{name}", f"{_shown(value)} is no object of named fields")
    return list(found.items())


def _strings(field: str, given: object) -> list[str]:
    if given is None:
        return []
    found = [given] if isinstance(given, str) else given
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise _bad(field, f"{_shown(given)} is no list of texts")
    return [each.strip() for each in found]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _bad(field: str, reason: str) -> exceptions.BadField:
    return exceptions.BadField(field=field, reason=reason)
