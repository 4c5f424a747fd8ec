"""Refuses a configuration that no host could have, or not this one."""

from __future__ import annotations

from collections.abc import Iterator

from mycloud.agent.network import addresses
from mycloud.agent.network.canonical import Config, Network
from mycloud.agent.network.host_state import HostState
from mycloud.common import exceptions
from mycloud.privileged.network.model import Link, default_metric

#: kinds of links that a network or a bond can lie on
_NICS = ("", "veth", "dummy", "macvlan", "ipvlan", "ifb")
_LOOPBACK = "lo"


def check(config: Config, running: Config, host: HostState) -> None:
    """:param running: what is there by an earlier document

    :raises BadField: names the network or the bond, and the remedy
    """
    _check_bases(config)
    _check_names(config)
    _check_tags(config)
    _check_mtu(config)
    _check_default_route(config)
    addresses.no_two_alike({
        f"networks.{name}.addresses": each.addresses for name, each in config.networks.items()
    })
    _check_nics(config, host)
    _check_links(config, running, host)
    _check_others(config, running, host)


def _check_bases(config: Config) -> None:
    member = members(config)
    seen: dict[str, str] = {}
    for bond in config.bonds.values():
        for at, nic in enumerate(bond.nics):
            if nic in seen:
                raise _bad(
                    f"bonds.{bond.name}.nics[{at}]", f"{nic} is in the bond {seen[nic]}, too; "
                    "leave it to one of them"
                )
            seen[nic] = bond.name
            if nic in config.bonds:
                raise _bad(f"bonds.{bond.name}.nics[{at}]", f"{nic} is a bond; name NICs")
    for name, network in config.networks.items():
        if network.bond is not None and network.bond not in config.bonds:
            known = ", ".join(sorted(config.bonds)) or "there is none"
            raise _bad(
                f"networks.{name}.bond", f"there is no bond {network.bond}; describe it under "
                f"bonds, or choose one ({known})"
            )
        if network.nic in member:
            raise _bad(
                f"networks.{name}.nic", f"{network.nic} is a NIC of the bond "
                f"{member[network.nic]}; put the network on the bond"
            )
        if network.nic in config.bonds:
            raise _bad(f"networks.{name}.nic", f"{network.nic} is a bond; write bond: ...")


def members(config: Config) -> dict[str, str]:
    """Of each NIC of a bond, the bond."""
    return {nic: bond.name for bond in config.bonds.values() for nic in bond.nics}


def _made(config: Config) -> Iterator[tuple[str, str]]:
    """The links that mycloud makes, each with the field that it is made for."""
    for name in config.bonds:
        yield name, f"bonds.{name}"
    seen = set()
    for name, network in config.networks.items():
        if network.bridged:
            yield network.device, f"networks.{name}"
        if network.vlan is not None and network.carrier not in seen:
            seen.add(network.carrier)
            yield network.carrier, f"networks.{name}.vlan"


def _check_names(config: Config) -> None:
    nics = {each.nic for each in config.networks.values()} | members(config).keys()
    seen: dict[str, str] = {}
    for link, field in _made(config):
        if link == _LOOPBACK or link in nics:
            raise _bad(field, f"an interface is called {link} already; choose another name")
        if link in seen:
            raise _bad(
                field, f"its interface would be called {link}, as that of {seen[link]}; choose "
                "another name"
            )
        seen[link] = field


def _check_tags(config: Config) -> None:
    seen: dict[tuple[str, int | None], str] = {}
    for name, network in config.networks.items():
        key = (network.base, network.vlan)
        if key in seen:
            what = "is untagged" if network.vlan is None else f"has the VLAN {network.vlan}"
            raise _bad(
                f"networks.{name}.vlan", f"the network {seen[key]} {what} on {network.base}, too; "
                "choose another VLAN"
            )
        seen[key] = name


def _check_mtu(config: Config) -> None:
    for name, network in config.networks.items():
        if network.vlan is None:
            continue
        for below in config.networks.values():
            if (
                below.base == network.base and below.vlan is None and not below.bridged
                and below.mtu < network.mtu
            ):
                raise _bad(
                    f"networks.{name}.mtu", f"{network.mtu} is above {below.mtu} of the network "
                    f"{below.name}, whose {below.base} it lies on; raise that one's, or lower "
                    "this one"
                )


def _check_default_route(config: Config) -> None:
    leading = [name for name, each in config.networks.items() if each.default_route]
    if len(leading) > 1:
        raise _bad(
            f"networks.{leading[1]}.default_route", f"the network {leading[0]} has it; leave it "
            "to one of them"
        )
    addresses.name_servers_of_default_route(
        {name: (each.default_route, each.name_servers) for name, each in config.networks.items()},
        field="networks.%s.name_servers",
    )


def _check_nics(config: Config, host: HostState) -> None:
    used = [
        (f"networks.{name}.nic", each.nic)
        for name, each in config.networks.items() if each.nic is not None
    ] + [
        (f"bonds.{bond.name}.nics[{at}]", nic)
        for bond in config.bonds.values() for at, nic in enumerate(bond.nics)
    ]
    for field, nic in used:
        if nic not in host.now.links:
            there = ", ".join(name for name in sorted(host.now.links) if _is_nic(host, name))
            raise _bad(field, f"the host has no NIC {nic}; it has: {there or 'none'}")
        if not _is_nic(host, nic):
            raise _bad(field, f"{nic} is no NIC (it is a {host.kinds[nic] or 'loopback'})")


def _is_nic(host: HostState, name: str) -> bool:
    return name != _LOOPBACK and name not in host.own and host.kinds.get(name) in _NICS


def _check_links(config: Config, running: Config, host: HostState) -> None:
    """What mycloud makes is not there by others; what it takes, others have not taken."""
    for link, field in _made(config):
        if link in host.now.links and link not in host.own:
            raise _bad(
                field, f"the host has an interface {link} that mycloud has not made; remove it "
                "first, or choose another name"
            )
    for field, nic in _taken(config):
        found: Link = host.now.links[nic]
        if found.master is not None and found.master not in host.own:
            raise _bad(
                field, f"{nic} is a port of {found.master}, which mycloud has not made; take it "
                "out of there first"
            )
        stacked = [
            other.name for other in host.now.links.values()
            if other.base == nic and other.name not in host.own
        ]
        if stacked and nic in members(config):
            raise _bad(
                field, f"{', '.join(sorted(stacked))} on {nic} is not mycloud's; remove it first"
            )


def _taken(config: Config) -> Iterator[tuple[str, str]]:
    for bond in config.bonds.values():
        for at, nic in enumerate(bond.nics):
            yield f"bonds.{bond.name}.nics[{at}]", nic
    for name, network in config.networks.items():
        if network.nic is not None:
            yield f"networks.{name}.nic", network.nic


def _check_others(config: Config, running: Config, host: HostState) -> None:
    """Links that are not in the configuration keep their addresses and routes."""
    mine = set(host.own) | members(config).keys() | members(running).keys()
    for some in (config, running):
        mine |= {each.device for each in some.networks.values()}
        mine |= {each.nic for each in some.networks.values()
                 if each.nic is not None and each.vlan is None}
    theirs = {
        str(each.interface.ip): each.link for each in host.now.addresses if each.link not in mine
    }
    for name, network in config.networks.items():
        for at, each in enumerate(network.addresses):
            host_part = each.partition("/")[0]
            if host_part in theirs:
                raise _bad(
                    f"networks.{name}.addresses[{at}]", f"{host_part} is on {theirs[host_part]} "
                    "already; take it from there, or choose another one"
                )
        if network.default_route:
            _check_route(network, host, mine)


def _check_route(network: Network, host: HostState, mine: set[str]) -> None:
    for route in sorted(host.now.routes):
        if not route.default or route.link in mine:
            continue
        wanted = any((":" in each) == (route.family == "v6") for each in network.gateways)
        if wanted and route.metric <= default_metric(route.destination):
            raise _bad(
                f"networks.{network.name}.default_route", f"the host has a default route by "
                f"{route.gateway} on {route.link}, which mycloud does not set up; remove that "
                "one first, or give it a larger metric"
            )


def _bad(field: str, reason: str) -> exceptions.BadField:
    return exceptions.BadField(field=field, reason=reason)


