"""Checks of the addresses, gateways and name servers that a host network is given.

Nothing here looks at the host. Each function takes the name of the field that its errors are to
tell, and returns the value in its one canonical form; each error is a ``BadField`` that says what
was given and what would do.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from mycloud.agent.network import conversions
from mycloud.common import exceptions

IPV4, IPV6 = 4, 6

_EXAMPLES = {IPV4: "192.0.2.7/24", IPV6: "2001:db8::7/64"}
_LONGEST = {IPV4: 32, IPV6: 128}

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


@dataclasses.dataclass(frozen=True)
class Addressing:
    """How a network has its addresses of one family, in canonical form.

    :ivar addresses: each ADDRESS/LENGTH
    :ivar gateway: the router of the default route, without a zone
    :ivar dhcp: a client asks for them (DHCP or DHCPv6)
    :ivar autoconf: routers' advertisements give them (IPv6 only)
    """

    addresses: tuple[str, ...] = ()
    gateway: str | None = None
    dhcp: bool = False
    autoconf: bool = False


def address(field: str, value: object, family: int) -> str:
    """An address with the length of its prefix (or with an IPv4 netmask), for an interface.

    :raises BadField: it is none of that family, or no interface can have it
    """
    example = _EXAMPLES[family]
    text = _text(field, value, example)
    host, slash, length = text.partition("/")
    if not slash:
        raise _bad(field, f"{text!r} has no prefix; write ADDRESS/LENGTH, such as {example}")
    found = _ip(field, host, family, example)
    if "%" in host:
        raise _bad(field, f"{text!r} names a zone; leave out what follows %")
    if length.isascii() and length.isdigit():
        prefix = int(length)
        if prefix > _LONGEST[family]:
            raise _bad(
                field, f"{text!r} has a prefix of {prefix} bits; IPv{family} has at most "
                f"{_LONGEST[family]}"
            )
    elif family == IPV4:
        prefix = conversions.prefix_of_netmask(field, length)
    else:
        raise _bad(field, f"{text!r} has no length of its prefix; write it like {example}")
    if prefix == 0:
        raise _bad(field, f"{text!r} has a prefix of 0 bits; write the length of the network's")
    _usable(field, found, prefix)
    return f"{found}/{prefix}"


def gateway(field: str, value: object, addresses: Sequence[str], family: int) -> str:
    """The router of a default route.

    :param addresses: what ``address`` has returned for the same network: one must reach it
    :raises BadField: it is no address, or none of the networks has it
    """
    text = _text(field, value, _EXAMPLES[family].partition("/")[0])
    found = _ip(field, text, family, _EXAMPLES[family].partition("/")[0])
    if not addresses:
        raise _bad(
            field, f"gateway {text} without an address; give the network an address of its own, "
            "or leave the gateway out"
        )
    own = [ipaddress.ip_interface(each) for each in addresses]
    if any(found == each.ip for each in own):
        raise _bad(field, f"gateway {text} is the network's own address; name the router's")
    # a router on the same link can be reached by its link-local address, whatever the prefixes
    if not found.is_link_local and not any(found in each.network for each in own):
        raise _bad(
            field, f"gateway {text} is in none of the networks of {', '.join(addresses)}; name a "
            "router there, or change the address or its prefix"
        )
    if found.is_multicast or found.is_unspecified or found.is_loopback:
        raise _bad(field, f"gateway {text} is no address of a router")
    for each in own:
        if _is_edge(found, each.network):
            raise _bad(field, f"gateway {text} is the network or broadcast address of {each}")
    return str(_without_zone(found))


def name_server(field: str, value: object) -> str:
    """The address of a DNS server; a link-local one names its interface: ``fe80::1%eth0``.

    :raises BadField: it is no address that can be asked
    """
    text = _text(field, value, "192.0.2.53")
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise _bad(
            field, f"{text!r} is no IP address; name servers are given by address, such as "
            "192.0.2.53, 2001:db8::53 or fe80::1%eth0"
        ) from None
    if found.is_multicast or found.is_unspecified or str(found) == "255.255.255.255":
        raise _bad(field, f"{text} is no address of one server")
    zone = found.scope_id if isinstance(found, ipaddress.IPv6Address) else None
    if zone is not None:
        conversions.interface_name(field, zone)
        if not found.is_link_local:
            raise _bad(field, f"{text}: only link-local addresses have a zone; leave out %{zone}")
    elif found.version == IPV6 and found.is_link_local:
        raise _bad(field, f"{text} is link-local: say on which interface, such as {text}%eth0")
    return str(found)


def name_servers(field: str, values: object) -> tuple[str, ...]:
    """Several name servers, the first asked first.

    :raises BadField: as by ``name_server``, or one is there twice
    """
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise _bad(field, f"{values!r} is no list of addresses of name servers")
    found = tuple(
        name_server(f"{field}[{number}]", each) for number, each in enumerate(values)
    )
    _once(field, found)
    return found


def addressing(field: str, wanted: Addressing, family: int) -> Addressing:
    """The addresses of one network in one family, in canonical form.

    :param field: of the network and family; what is wrong is told under it, such as
        ``FIELD.addresses[0]``
    :raises BadField: anything in it is no address, or the parts exclude each other
    """
    if wanted.autoconf and family == IPV4:
        raise _bad(f"{field}.autoconf", "IPv4 has no autoconfiguration; use dhcp")
    if wanted.dhcp and wanted.addresses:
        raise _bad(
            f"{field}.dhcp", f"dhcp together with {', '.join(map(str, wanted.addresses))}; "
            "choose one: dhcp, or addresses"
        )
    if wanted.dhcp and wanted.gateway is not None:
        raise _bad(
            f"{field}.gateway", "dhcp brings its own gateway; leave this one out, or give "
            "addresses instead of dhcp"
        )
    found = tuple(
        address(f"{field}.addresses[{number}]", each, family)
        for number, each in enumerate(wanted.addresses)
    )
    _once(f"{field}.addresses", [each.partition("/")[0] for each in found])
    router = None
    if wanted.gateway is not None:
        router = gateway(f"{field}.gateway", wanted.gateway, found, family)
    return dataclasses.replace(wanted, addresses=found, gateway=router)


def name_servers_of_default_route(
    networks: Mapping[str, tuple[bool, Sequence[str]]], *, field: str = "networks.%s.dns"
) -> None:
    """Only the network of the default route may bring name servers: the host asks by that one.

    :param networks: for each by name: whether it has the default route, and its name servers
    :param field: of one network's name servers, with a gap for its name
    :raises BadField: another one has them, or two networks have the default route
    """
    leading = [name for name, (leads, _) in networks.items() if leads]
    if len(leading) > 1:
        raise _bad(
            "default_route", f"networks {' and '.join(sorted(leading))} have it; leave it to one"
        )
    for name, (leads, servers) in networks.items():
        if servers and not leads:
            there = f"move them to {leading[0]}, which has it" if leading else (
                "give it the default route, or leave the name servers out"
            )
            raise _bad(field % name, f"network {name} is not the default route's; {there}")


def no_two_alike(addresses: Mapping[str, Iterable[str]]) -> None:
    """No address may be on two networks.

    :param addresses: for each field, what ``address`` has returned
    :raises BadField: names both
    """
    seen: dict[str, str] = {}
    for field, values in addresses.items():
        for each in values:
            host = each.partition("/")[0]
            if host in seen:
                raise _bad(field, f"{host} is that of {seen[host]}, too; choose another one")
            seen[host] = field


def _bad(field: str, reason: str) -> exceptions.BadField:
    return exceptions.BadField(field=field, reason=reason)


def _text(field: str, value: object, example: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _bad(field, f"{value!r} is no address; write one such as {example}")
    return value.strip()


def _ip(field: str, text: str, family: int, example: str) -> Ip:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise _bad(field, f"{text!r} is no IP address; write one such as {example}") from None
    if found.version != family:
        raise _bad(
            field, f"{text} is an IPv{found.version} address where IPv{family} is wanted, such as "
            f"{example}"
        )
    return found


def _usable(field: str, found: Ip, prefix: int) -> None:
    network = ipaddress.ip_interface(f"{found}/{prefix}").network
    if found.is_unspecified or found.is_multicast or found.is_loopback:
        raise _bad(field, f"{found} can be on no interface of a network; choose a unicast address")
    if _is_edge(found, network):
        raise _bad(
            field, f"{found} is the network or broadcast address of {network}; choose one between"
        )


def _is_edge(found: Ip, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    """It is the first or last of an IPv4 network that keeps these for itself."""
    if network.version == IPV6 or network.prefixlen >= 31:
        return False
    return found in (network.network_address, network.broadcast_address)


def _without_zone(found: Ip) -> Ip:
    return ipaddress.ip_address(str(found).partition("%")[0])


def _once(field: str, values: Sequence[str]) -> None:
    twice = sorted({each for each in values if values.count(each) > 1})
    if twice:
        raise _bad(field, f"{', '.join(twice)} is there twice; name each once")
