"""From a configuration to the steps that make it: pure, without root."""

from __future__ import annotations

import dataclasses
import ipaddress
from typing import Any

from mycloud.agent.network.canonical import MTU, Change, Config, Network
from mycloud.agent.network.host_state import HostState
from mycloud.agent.network.qos import Qos
from mycloud.agent.network.validation import check, members
from mycloud.common import exceptions
from mycloud.privileged.network import model
from mycloud.privileged.network.actions import Action, inverses
from mycloud.privileged.network.difference import Conflict, difference
from mycloud.privileged.network.model import (
    BOND,
    BRIDGE,
    VLAN,
    Address,
    Client,
    Link,
    Route,
    Scope,
    Share,
    SourceRoute,
    State,
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """:ivar target: how the host shall be
    :ivar scope: what of it is changed
    :ivar kept: what of the target is restored when the host starts
    :ivar steps: empty: all is as it shall be
    """

    config: Config
    target: State
    scope: Scope
    kept: Scope
    steps: list[Action]

    @property
    def lines(self) -> list[str]:
        """The steps for people."""
        return [str(each) for each in self.steps]

    @property
    def back(self) -> list[Action]:
        """What leads back to what was."""
        return inverses(self.steps)

    def to_json(self) -> dict[str, Any]:
        """Lines for people, and for programs each step with what it takes."""
        return {
            "lines": self.lines,
            "actions": [
                {"action": type(each).__name__, **dataclasses.asdict(each)} for each in self.steps
            ],
        }


def plan(change: Change, running: Config, host: HostState) -> Plan:
    """:param running: the configuration that was committed last

    :raises BadField: the host can't have this configuration
    :raises HostNetworkInUse: others use what would be taken away
    """
    check(change.config, running, host)
    target = target_of(change.config)
    kept = _scope_of(change.config)
    former = _scope_of(running)
    freed = _freed(running, change.config, host, kept)
    target = dataclasses.replace(target, links={**freed, **target.links})
    scope = Scope(
        kept.links | former.links | freed.keys(), kept.addressed | former.addressed
    )
    try:
        steps = difference(host.now, target, scope)
    except Conflict as error:
        raise exceptions.HostNetworkInUse(reason=str(error)) from error
    return Plan(change.config, target, scope, kept, steps)


def target_of(config: Config) -> State:
    """The links, addresses and routes of a configuration."""
    links: dict[str, Link] = {}
    for bond in config.bonds.values():
        mtu = _mtu(config, bond.name)
        links[bond.name] = Link(bond.name, BOND, mtu=mtu, options=dict(bond.options))
        for nic in bond.nics:
            links[nic] = Link(nic, mtu=mtu, master=bond.name)
    for network in config.networks.values():
        if network.base not in links:
            links[network.base] = Link(network.base, mtu=_mtu(config, network.base))
        if network.vlan is not None:
            links[network.carrier] = Link(
                network.carrier, VLAN, mtu=network.mtu, base=network.base, vlan=network.vlan
            )
    for network in config.networks.values():
        if network.bridged:
            links[network.device] = Link(
                network.device, BRIDGE, mtu=network.mtu, options={"stp": network.stp}
            )
            links[network.carrier] = dataclasses.replace(
                links[network.carrier], master=network.device
            )
    networks = config.networks.values()
    return State(
        links,
        frozenset(Address(each.device, address) for each in networks
                  for address in each.addresses),
        frozenset(_default_route(each, gateway) for each in networks if each.default_route
                  for gateway in each.gateways),
        _name_servers(config),
        frozenset(Client(each.device, family, each.default_route) for each in networks
                  for family in each.dhcp),
        frozenset(_share(each, each.qos) for each in networks if each.qos is not None),
        frozenset(_source_route(each, gateway) for each in networks if not each.default_route
                  for gateway in each.gateways),
    )


def _share(network: Network, qos: Qos) -> Share:
    return Share(network.base, network.vlan or 0, qos.ls, qos.ul or 0, qos.rt or 0)


def _default_route(network: Network, gateway: str) -> Route:
    destination = "::/0" if ":" in gateway else "0.0.0.0/0"
    return Route(network.device, destination, gateway, model.default_metric(destination))


def _source_route(network: Network, gateway: str) -> SourceRoute:
    """By the address that shares the gateway's network; a link-local one is in everyone's."""
    of_family = [each for each in network.addresses if (":" in each) == (":" in gateway)]
    router = ipaddress.ip_address(gateway)
    near = [each for each in of_family if router in ipaddress.ip_interface(each).network]
    return SourceRoute(network.device, (near or of_family)[0], gateway)


def _name_servers(config: Config) -> tuple[str, ...] | None:
    found = [each.name_servers for each in config.networks.values() if each.name_servers]
    return found[0] if found else None


def _mtu(config: Config, base: str) -> int:
    """A base carries the largest packets of all its networks."""
    return max((each.mtu for each in config.networks.values() if each.base == base), default=MTU)


def _scope_of(config: Config) -> Scope:
    """All links of a configuration; a NIC that carries VLANs alone keeps its own addresses."""
    links = set(members(config)) | set(config.bonds)
    addressed = set(links)
    for network in config.networks.values():
        links |= {network.base, network.carrier, network.device}
        addressed |= {network.carrier, network.device}
    return Scope(frozenset(links), frozenset(addressed))


def _freed(
    running: Config, config: Config, host: HostState, kept: Scope
) -> dict[str, Link]:
    """NICs that no network lies on any more: they stay up, ports of nothing."""
    nics = {each.nic for each in running.networks.values() if each.nic} | set(members(running))
    found = {}
    for name in sorted(nics - kept.links):
        link = host.now.links.get(name)
        if link is not None and not link.kind:
            usual = link.mtu if link.mtu < MTU else MTU
            found[name] = Link(name, mtu=usual, master=_foreign_master(link, host))
    return found


def _foreign_master(link: Link, host: HostState) -> str | None:
    return link.master if link.master not in host.own else None
