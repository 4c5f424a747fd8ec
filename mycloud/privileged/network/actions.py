"""The steps that lead from one state of a host's network to another, each with its inverse.

A step knows what it does to a ``State``, and refuses where the kernel would.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from mycloud.privileged.network.model import (
    BOND,
    VLAN,
    Address,
    Client,
    Link,
    Option,
    Route,
    Share,
    SourceRoute,
    State,
)

#: what of a link is changed while it is there
Change = Mapping[str, Any]


class Impossible(Exception):
    """The kernel would refuse this step."""


@dataclasses.dataclass(frozen=True)
class LinkAdd:
    """Make a link; it is down, and a port of nothing."""

    link: Link

    def inverse(self) -> Action:
        return LinkRemove(self.link)

    def applied(self, state: State) -> State:
        if self.link.name in state.links:
            raise Impossible(f"{self.link.name} is there")
        if self.link.up or self.link.master is not None:
            raise Impossible(f"{self.link.name} can't be made up or as a port")
        if self.link.kind == VLAN:
            base = state.links.get(self.link.base or "")
            if base is None or base.mtu < self.link.mtu:
                raise Impossible(f"{self.link.base} does not carry {self.link.name}")
        return _with_link(state, self.link)

    def __str__(self) -> str:
        link = self.link
        rest = f" {link.vlan} on {link.base}" if link.kind == VLAN else ""
        told = "".join(f", {name} {_shown(link.options[name])}" for name in sorted(link.options))
        return f"make the {link.kind}{rest}: {link.name} (MTU {link.mtu}{told})"


@dataclasses.dataclass(frozen=True)
class LinkRemove:
    """Remove a link that is down and that nothing lies on."""

    link: Link

    def inverse(self) -> Action:
        return LinkAdd(self.link)

    def applied(self, state: State) -> State:
        name = self.link.name
        if state.links.get(name) != self.link:
            raise Impossible(f"{name} is not there as it was")
        if self.link.up or self.link.master is not None:
            raise Impossible(f"{name} is in use")
        for other in state.links.values():
            if name in (other.base, other.master):
                raise Impossible(f"{other.name} lies on {name}")
        bound = {each.link for each in state.addresses} | {each.link for each in state.routes}
        bound |= {each.link for each in state.source_routes}
        bound |= {each.link for each in state.shares}
        if name in bound:
            raise Impossible(f"{name} has addresses, routes or shares")
        links = {key: link for key, link in state.links.items() if key != name}
        return dataclasses.replace(state, links=links)

    def __str__(self) -> str:
        return f"remove the {self.link.kind} {self.link.name}"


@dataclasses.dataclass(frozen=True)
class LinkSet:
    """Change ``up``, ``mtu``, ``master`` or ``options`` of a link.

    :ivar before: the same keys as in ``after``
    """

    name: str
    before: Change
    after: Change

    def inverse(self) -> Action:
        return LinkSet(self.name, self.after, self.before)

    def applied(self, state: State) -> State:
        link = state.links.get(self.name)
        if link is None:
            raise Impossible(f"{self.name} is not there")
        if any(getattr(link, key) != value for key, value in self.before.items()):
            raise Impossible(f"{self.name} is not as it was")
        changed = dataclasses.replace(link, **self.after)
        _check_link(state, link, changed)
        return _with_link(state, changed)

    def __str__(self) -> str:
        return f"{self.name}: " + ", ".join(
            _told(key, value) for key, value in sorted(self.after.items())
        )


@dataclasses.dataclass(frozen=True)
class AddressAdd:
    """Give a link an address."""

    address: Address

    def inverse(self) -> Action:
        return AddressRemove(self.address)

    def applied(self, state: State) -> State:
        link = state.links.get(self.address.link)
        if link is None or (self.address.family == "v6" and not link.up):
            raise Impossible(f"{self.address.link} can't take {self.address.address}")
        if self.address in state.addresses:
            raise Impossible(f"{self.address.address} is there")
        return dataclasses.replace(state, addresses=state.addresses | {self.address})

    def __str__(self) -> str:
        return f"{self.address.link}: add address {self.address.address}"


@dataclasses.dataclass(frozen=True)
class AddressRemove:
    """Take an address from a link; no route needs it any more."""

    address: Address

    def inverse(self) -> Action:
        return AddressAdd(self.address)

    def applied(self, state: State) -> State:
        if self.address not in state.addresses:
            raise Impossible(f"{self.address.address} is not there")
        left = dataclasses.replace(state, addresses=state.addresses - {self.address})
        for route in state.routes:
            if route.link == self.address.link and not reachable(left, route):
                raise Impossible(f"the route to {route.destination} needs {self.address.address}")
        for each in state.source_routes:
            if each.link == self.address.link and not answerable(left, each):
                raise Impossible(f"answers by {each.gateway} need {self.address.address}")
        return left

    def __str__(self) -> str:
        return f"{self.address.link}: remove address {self.address.address}"


@dataclasses.dataclass(frozen=True)
class RouteAdd:
    """Set a route."""

    route: Route

    def inverse(self) -> Action:
        return RouteRemove(self.route)

    def applied(self, state: State) -> State:
        if self.route in state.routes:
            raise Impossible(f"the route to {self.route.destination} is there")
        if not reachable(state, self.route):
            raise Impossible(f"no way to {self.route.destination} by {self.route.link}")
        return dataclasses.replace(state, routes=state.routes | {self.route})

    def __str__(self) -> str:
        return "add " + _route(self.route)


@dataclasses.dataclass(frozen=True)
class RouteRemove:
    """Forget a route."""

    route: Route

    def inverse(self) -> Action:
        return RouteAdd(self.route)

    def applied(self, state: State) -> State:
        if self.route not in state.routes:
            raise Impossible(f"the route to {self.route.destination} is not there")
        return dataclasses.replace(state, routes=state.routes - {self.route})

    def __str__(self) -> str:
        return "remove " + _route(self.route)


@dataclasses.dataclass(frozen=True)
class SourceRouteAdd:
    """Answer what is asked at an address by a gateway of its own."""

    route: SourceRoute

    def inverse(self) -> Action:
        return SourceRouteRemove(self.route)

    def applied(self, state: State) -> State:
        if not answerable(state, self.route):
            raise Impossible(f"{self.route.link} has no {self.route.address}")
        for other in state.source_routes:
            if (other.link, other.family) == (self.route.link, self.route.family):
                raise Impossible(f"{self.route.link} has a gateway of its own")
        return dataclasses.replace(state, source_routes=state.source_routes | {self.route})

    def __str__(self) -> str:
        return f"{self.route.link}: answer from {self.route.address} by {self.route.gateway}"


@dataclasses.dataclass(frozen=True)
class SourceRouteRemove:
    """Answer as the main table says."""

    route: SourceRoute

    def inverse(self) -> Action:
        return SourceRouteAdd(self.route)

    def applied(self, state: State) -> State:
        if self.route not in state.source_routes:
            raise Impossible(f"{self.route.link} has no gateway of its own")
        return dataclasses.replace(state, source_routes=state.source_routes - {self.route})

    def __str__(self) -> str:
        return f"{self.route.link}: no longer answer by {self.route.gateway}"


@dataclasses.dataclass(frozen=True)
class NameServersSet:
    """Say which name servers the host asks."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    def inverse(self) -> Action:
        return NameServersSet(self.after, self.before)

    def applied(self, state: State) -> State:
        if state.name_servers != self.before:
            raise Impossible("the name servers are not as they were")
        return dataclasses.replace(state, name_servers=self.after)

    def __str__(self) -> str:
        return f"name servers: {', '.join(self.after) or 'none'}"


@dataclasses.dataclass(frozen=True)
class DhcpStart:
    """Let a client ask for a lease."""

    client: Client

    def inverse(self) -> Action:
        return DhcpStop(self.client)

    def applied(self, state: State) -> State:
        link = state.links.get(self.client.link)
        if link is None or not link.up or self.client in state.dhcp:
            raise Impossible(f"{self.client.link} can't ask for a lease")
        return dataclasses.replace(state, dhcp=state.dhcp | {self.client})

    def __str__(self) -> str:
        return f"{self.client.link}: start DHCP{self.client.family}"


@dataclasses.dataclass(frozen=True)
class DhcpStop:
    """End the client."""

    client: Client

    def inverse(self) -> Action:
        return DhcpStart(self.client)

    def applied(self, state: State) -> State:
        if self.client not in state.dhcp:
            raise Impossible(f"{self.client.link} asks for no lease")
        return dataclasses.replace(state, dhcp=state.dhcp - {self.client})

    def __str__(self) -> str:
        return f"{self.client.link}: stop DHCP{self.client.family}"


@dataclasses.dataclass(frozen=True)
class ShareSet:
    """Give a network its share of what a link sends, or another one.

    :ivar before: None: it had none
    """

    before: Share | None
    after: Share

    def inverse(self) -> Action:
        if self.before is None:
            return ShareRemove(self.after)
        return ShareSet(self.after, self.before)

    def applied(self, state: State) -> State:
        if self.after.link not in state.links:
            raise Impossible(f"{self.after.link} is not there")
        there = {(each.link, each.vlan): each for each in state.shares}
        if there.get((self.after.link, self.after.vlan)) != self.before:
            raise Impossible(f"the share of {self.after.network} is not as it was")
        left = state.shares - {self.before} if self.before else state.shares
        return dataclasses.replace(state, shares=left | {self.after})

    def __str__(self) -> str:
        told = [f"share {self.after.share}"]
        told += [f"{name} {value} bit/s" for name in ("guaranteed", "limit")
                 if (value := getattr(self.after, name))]
        return f"{self.after.link}: {self.after.network} sends by {', '.join(told)}"


@dataclasses.dataclass(frozen=True)
class ShareRemove:
    """Take a network's share away."""

    share: Share

    def inverse(self) -> Action:
        return ShareSet(None, self.share)

    def applied(self, state: State) -> State:
        if self.share not in state.shares:
            raise Impossible(f"{self.share.network} has no share")
        return dataclasses.replace(state, shares=state.shares - {self.share})

    def __str__(self) -> str:
        return f"{self.share.link}: {self.share.network} sends as all others"


Action = (
    LinkAdd | LinkRemove | LinkSet | AddressAdd | AddressRemove | RouteAdd | RouteRemove
    | SourceRouteAdd | SourceRouteRemove | NameServersSet | DhcpStart | DhcpStop
    | ShareSet | ShareRemove
)


def applied(state: State, steps: list[Action]) -> State:
    """The state after all steps.

    :raises Impossible: the kernel would refuse one
    """
    for step in steps:
        state = step.applied(state)
    return state


def inverses(steps: list[Action]) -> list[Action]:
    """What leads back."""
    return [step.inverse() for step in reversed(steps)]


def reachable(state: State, route: Route) -> bool:
    """The kernel would take the route: its link is up, and so is the way to its gateway."""
    link = state.links.get(route.link)
    if link is None or not link.up:
        return False
    own = [each for each in state.addresses
           if each.link == route.link and each.family == route.family]
    if route.source and all(str(each.interface.ip) != route.source for each in own):
        return False
    if not route.gateway:
        return bool(own)
    if route.onlink or route.gateway.lower().startswith("fe80:"):
        return bool(own) or route.family == "v6"
    return any(_holds(each, route.gateway) for each in own)


def answerable(state: State, route: SourceRoute) -> bool:
    """The link is up and has the address of a source route."""
    link = state.links.get(route.link)
    return link is not None and link.up and any(
        (each.link, each.address) == (route.link, route.address) for each in state.addresses
    )


def _holds(address: Address, gateway: str) -> bool:
    network = address.interface.network
    return type(network)(f"{gateway}/{network.max_prefixlen}").subnet_of(network)  # type: ignore[arg-type]


def _check_link(state: State, before: Link, after: Link) -> None:
    base = state.links.get(after.base or "")
    if after.kind == VLAN and base is not None:
        if after.up and not base.up:
            raise Impossible(f"{base.name} is down")
        if after.mtu > base.mtu:
            raise Impossible(f"the MTU of {base.name} is smaller")
    for other in state.links.values():
        if other.base == after.name and (other.mtu > after.mtu or (other.up and not after.up)):
            raise Impossible(f"{other.name} lies on {after.name}")
    if before.master != after.master and before.up and _is_bond(state, before.master):
        raise Impossible(f"{after.name} is up")
    if after.master is not None:
        master = state.links.get(after.master)
        if master is None:
            raise Impossible(f"{after.master} is not there")
        if before.master not in (None, after.master):
            raise Impossible(f"{after.name} is a port of {before.master}")
        if before.master is None and master.kind == BOND and before.up:
            raise Impossible(f"{after.name} is up")
    if before.up and not after.up:
        _check_down(state, after.name)


def _is_bond(state: State, name: str | None) -> bool:
    link = state.links.get(name or "")
    return link is not None and link.kind == BOND


def _check_down(state: State, name: str) -> None:
    bound = {each.link for each in state.routes} | {each.link for each in state.source_routes}
    if name in bound:
        raise Impossible(f"{name} has routes")
    if any(each.link == name and each.family == "v6" for each in state.addresses):
        raise Impossible(f"{name} has IPv6 addresses")
    if any(client.link == name for client in state.dhcp):
        raise Impossible(f"{name} asks for a lease")


def _with_link(state: State, link: Link) -> State:
    return dataclasses.replace(state, links={**state.links, link.name: link})


def _route(route: Route) -> str:
    where = "the default route" if route.default else f"the route to {route.destination}"
    by = f" by {route.gateway}" if route.gateway else ""
    return f"{where}{by} on {route.link}"


def _told(key: str, value: Any) -> str:
    if key == "up":
        return "up" if value else "down"
    if key == "master":
        return f"port of {value}" if value else "port of nothing"
    if key == "options":
        return ", ".join(f"{name} {_shown(value[name])}" for name in sorted(value))
    return f"{key.upper()} {value}"


def _shown(value: Option) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
