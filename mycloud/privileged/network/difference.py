"""How to get from one state of a host's network to another: an ordered list of steps."""

from __future__ import annotations

import dataclasses
from typing import Any

from mycloud.privileged.network import actions, bonding
from mycloud.privileged.network.actions import Action, LinkAdd, LinkRemove, LinkSet
from mycloud.privileged.network.model import BOND, BRIDGE, Link, Scope, State


class Conflict(Exception):
    """What is wanted would take away what others use."""


def difference(
    real: State, wanted: State, scope: Scope, *, force: bool = False
) -> list[Action]:
    """The steps that make ``scope`` of ``real`` as ``wanted``; none if it is so.

    Addresses of a lease are let be on links that keep their DHCP client.

    :param force: take ports from bridges that are to go, whoever they belong to
    :raises Conflict: others use a link that is to be removed, or a link is not there that
        mycloud can't make
    """
    try:
        return _Way(real, wanted, scope, force=force).steps()
    except actions.Impossible as error:
        raise Conflict(str(error)) from error


class _Way:
    """Walks from the real to the wanted state and notes each step."""

    def __init__(self, real: State, wanted: State, scope: Scope, *, force: bool) -> None:
        self._now = real
        self._real = real
        self._wanted = wanted
        self._scope = scope
        self._force = force
        self._steps: list[Action] = []
        self._removed = self._to_remove()
        self._downed = self._to_down()

    def steps(self) -> list[Action]:
        self._check()
        self._stop_dhcp()
        self._remove_shares()
        self._remove_routes()
        self._remove_addresses()
        self._release_ports()
        self._remove_links()
        self._take_down()
        self._set_mtu()
        self._make_links()
        self._set_options()
        self._join_ports()
        self._bring_up()
        self._add_addresses()
        self._add_routes()
        self._add_source_routes()
        self._set_shares()
        self._set_name_servers()
        self._start_dhcp()
        return self._steps

    def _do(self, step: Action) -> None:
        self._now = step.applied(self._now)
        self._steps.append(step)

    def _set(self, link: Link, **after: Any) -> None:
        before = {key: getattr(link, key) for key in after}
        if before != after:
            self._do(LinkSet(link.name, before, after))

    # what goes

    def _to_remove(self) -> set[str]:
        """Links that are not wanted, or not in this shape, and the VLANs on them."""
        found = set()
        for name in sorted(self._scope.links, key=lambda each: _depth(self._real, each)):
            link, wanted = self._real.links.get(name), self._wanted.links.get(name)
            if link is None or not link.kind:
                continue
            if wanted is None or not _same_shape(link, wanted) or link.base in found:
                found.add(name)
        return found

    def _to_down(self) -> set[str]:
        """Links that stay and must be down in between, or for good, and the VLANs on them."""
        found = set()
        for name in sorted(self._kept(), key=lambda each: _depth(self._real, each)):
            link, wanted = self._real.links[name], self._wanted.links[name]
            if not link.up:
                continue
            moves = wanted.master != link.master or link.master in self._removed
            bonded = BOND in (self._kind(link.master), self._kind(wanted.master))
            if not wanted.up or (moves and bonded) or link.base in found:
                found.add(name)
        return found

    def _kept(self) -> list[str]:
        return sorted(
            name for name in self._scope.links
            if name in self._real.links and name in self._wanted.links
            and name not in self._removed
        )

    def _kind(self, name: str | None) -> str:
        link = self._wanted.links.get(name or "") or self._real.links.get(name or "")
        return link.kind if link else ""

    def _check(self) -> None:
        for name in sorted(self._scope.links):
            wanted = self._wanted.links.get(name)
            real = self._real.links.get(name)
            if wanted is not None and real is None and not wanted.kind:
                raise Conflict(f"there is no interface {name}")
            if wanted is not None and real is not None and wanted.kind and not real.kind:
                raise Conflict(f"there is an interface {name} that mycloud has not made")
        for name in sorted(self._removed):
            for other in self._real.links.values():
                if other.name in self._scope.links or name not in (other.base, other.master):
                    continue
                if other.base == name or not self._force:
                    raise Conflict(f"{other.name} uses {name}")

    def _stop_dhcp(self) -> None:
        for client in sorted(self._real.dhcp):
            if client.link in self._removed | self._downed or (
                client.link in self._scope.addressed and client not in self._wanted.dhcp
            ):
                self._do(actions.DhcpStop(client))

    def _leased(self, each: Any) -> bool:
        """A lease has given it, and the client that holds the lease goes on."""
        return any(
            (client.link, client.family) == (each.link, each.family)
            for client in self._now.dhcp & self._wanted.dhcp
        )

    def _goes(self, each: Any, wanted: frozenset[Any]) -> bool:
        if each.link in self._removed:
            return True
        return each.link in self._scope.addressed and each not in wanted and not self._leased(each)

    def _remove_shares(self) -> None:
        wanted = {(each.link, each.vlan) for each in self._wanted.shares}
        for share in sorted(self._real.shares):
            gone = share.link in self._scope.links and (share.link, share.vlan) not in wanted
            if gone or share.link in self._removed:
                self._do(actions.ShareRemove(share))

    def _remove_routes(self) -> None:
        left = frozenset(
            each for each in self._real.addresses if not self._address_goes(each)
        )
        after = dataclasses.replace(self._real, addresses=left)
        for route in sorted(self._real.routes):
            if (
                self._goes(route, self._wanted.routes)
                or route.link in self._downed
                or (route.link in self._scope.addressed and not actions.reachable(after, route))
            ):
                self._do(actions.RouteRemove(route))
        for each in sorted(self._real.source_routes):
            if (
                self._goes(each, self._wanted.source_routes)
                or each.link in self._downed
                or (each.link in self._scope.addressed and not actions.answerable(after, each))
            ):
                self._do(actions.SourceRouteRemove(each))

    def _address_goes(self, address: Any) -> bool:
        return self._goes(address, self._wanted.addresses) or (
            address.family == "v6" and address.link in self._downed
        )

    def _remove_addresses(self) -> None:
        for address in sorted(self._real.addresses):
            if self._address_goes(address):
                self._do(actions.AddressRemove(address))

    def _release_ports(self) -> None:
        for name, link in sorted(self._real.links.items()):
            wanted = self._wanted.links.get(name)
            moves = name in self._scope.links and (
                name in self._removed or wanted is None or wanted.master != link.master
            )
            if link.master is not None and (moves or link.master in self._removed):
                if self._real.links[link.master].kind == BOND:
                    # the kernel would close it
                    self._set(link, up=False)
                self._set(self._now.links[name], master=None)

    def _remove_links(self) -> None:
        for name in self._top_down(self._removed, self._real):
            self._set(self._now.links[name], up=False)
            self._do(LinkRemove(self._now.links[name]))

    def _take_down(self) -> None:
        for name in self._top_down(self._downed, self._real):
            self._set(self._now.links[name], up=False)

    # what comes

    def _set_mtu(self) -> None:
        kept = set(self._kept())
        for name in self._top_down(kept, self._real):
            link, mtu = self._now.links[name], self._wanted.links[name].mtu
            if mtu < link.mtu:
                self._set(link, mtu=mtu)
        for name in self._bottom_up(kept, self._real):
            self._set(self._now.links[name], mtu=self._wanted.links[name].mtu)

    def _make_links(self) -> None:
        missing = {
            name for name in self._scope.links
            if name in self._wanted.links and name not in self._now.links
        }
        for name in self._bottom_up(missing, self._wanted):
            self._do(LinkAdd(dataclasses.replace(
                self._wanted.links[name], up=False, master=None
            )))

    def _set_options(self) -> None:
        for name in self._present():
            link, wanted = self._now.links[name], self._wanted.links[name]
            changed = {
                key: value for key, value in wanted.options.items()
                if link.options.get(key) != value
            }
            if link.kind == BRIDGE and changed:
                self._set(link, options={**link.options, **changed})

    def _join_ports(self) -> None:
        def order(name: str) -> tuple[bool, str]:
            return self._kind(self._wanted.links[name].master) != BOND, name

        for name in sorted(self._present(), key=order):
            self._set(self._now.links[name], master=self._wanted.links[name].master)

    def _bring_up(self) -> None:
        for name in self._bottom_up(set(self._present()), self._wanted):
            self._set(self._now.links[name], up=self._wanted.links[name].up)

    def _present(self) -> list[str]:
        return sorted(
            name for name in self._scope.links
            if name in self._wanted.links and name in self._now.links
        )

    def _add_addresses(self) -> None:
        back = {each for each in self._real.addresses if each.link in self._downed}
        for address in sorted(self._wanted.addresses | back):
            wanted = address.link in self._scope.addressed and address in self._wanted.addresses
            kept = address in back and address.link not in self._scope.addressed
            if (wanted or kept) and address not in self._now.addresses:
                self._do(actions.AddressAdd(address))

    def _add_routes(self) -> None:
        back = {each for each in self._real.routes if each.link in self._downed}
        for route in sorted(
            self._wanted.routes | back, key=lambda each: (each.default, bool(each.gateway), each)
        ):
            wanted = route.link in self._scope.addressed and route in self._wanted.routes
            kept = route in back and route.link not in self._scope.addressed
            if (wanted or kept) and route not in self._now.routes:
                self._do(actions.RouteAdd(route))

    def _set_shares(self) -> None:
        there = {(each.link, each.vlan): each for each in self._now.shares}
        for share in sorted(self._wanted.shares):
            before = there.get((share.link, share.vlan))
            if share.link in self._scope.links and share != before:
                self._do(actions.ShareSet(before, share))

    def _add_source_routes(self) -> None:
        back = {each for each in self._real.source_routes if each.link in self._downed}
        for each in sorted(self._wanted.source_routes | back):
            wanted = each.link in self._scope.addressed and each in self._wanted.source_routes
            kept = each in back and each.link not in self._scope.addressed
            if (wanted or kept) and each not in self._now.source_routes:
                self._do(actions.SourceRouteAdd(each))

    def _set_name_servers(self) -> None:
        before, after = self._real.name_servers, self._wanted.name_servers
        if after is not None and before is not None and before != after:
            self._do(actions.NameServersSet(before, after))

    def _start_dhcp(self) -> None:
        for client in sorted(self._wanted.dhcp):
            if client.link in self._scope.addressed and client not in self._now.dhcp:
                self._do(actions.DhcpStart(client))

    def _top_down(self, names: set[str], state: State) -> list[str]:
        return sorted(names, key=lambda name: (-_depth(state, name), name))

    def _bottom_up(self, names: set[str], state: State) -> list[str]:
        return sorted(names, key=lambda name: (_depth(state, name), name))


def _same_shape(link: Link, wanted: Link) -> bool:
    if (link.kind, link.base, link.vlan) != (wanted.kind, wanted.base, wanted.vlan):
        return False
    return link.kind != BOND or bonding.alike(link.options, wanted.options)


def _depth(state: State, name: str) -> int:
    """How many links lie below it."""
    depth = 0
    link = state.links.get(name)
    while link is not None and link.base is not None and depth <= len(state.links):
        depth += 1
        link = state.links.get(link.base)
    return depth
