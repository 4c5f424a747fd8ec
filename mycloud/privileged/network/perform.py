"""Does what the steps say, on this host."""

from __future__ import annotations

import dataclasses
import logging

from mycloud.privileged import errors, source_routes
from mycloud.privileged.network import dhcp, kernel, resolver, shares
from mycloud.privileged.network.actions import (
    Action,
    AddressAdd,
    AddressRemove,
    DhcpStart,
    DhcpStop,
    LinkAdd,
    LinkRemove,
    LinkSet,
    NameServersSet,
    RouteAdd,
    RouteRemove,
    ShareRemove,
    ShareSet,
    SourceRouteAdd,
    SourceRouteRemove,
)
from mycloud.privileged.network.difference import Conflict, difference
from mycloud.privileged.network.model import Link, Scope, State

LOG = logging.getLogger(__name__)

_ROUNDS = 4


def read() -> State:
    """How the network of this host is now."""
    found = kernel.state()
    return dataclasses.replace(
        found, name_servers=resolver.read(), dhcp=dhcp.running(), shares=shares.read()
    )


def perform(step: Action) -> None:
    """Do it; what is done already is no failure.

    :raises PrivilegedError: it can't be done
    """
    match step:
        case LinkAdd(link):
            kernel.add_link(link)
        case LinkRemove(link):
            kernel.remove_link(link.name)
        case LinkSet(name, _, after):
            kernel.set_link(name, dict(after))
        case AddressAdd(address):
            kernel.add_address(address)
        case AddressRemove(address):
            kernel.remove_address(address)
        case RouteAdd(route):
            kernel.add_route(route)
        case RouteRemove(route):
            kernel.remove_route(route)
        case SourceRouteAdd(each):
            source_routes.add(each.link, each.address, each.gateway)
        case SourceRouteRemove(each):
            source_routes.remove(each.link, int(each.family[1]))
        case NameServersSet(_, after):
            resolver.write(after)
        case DhcpStart(client):
            dhcp.start(client)
        case DhcpStop(client):
            dhcp.stop(client)
        case ShareSet(_, share):
            shares.give(share)
        case ShareRemove(share):
            shares.take(share)


def resume(target: State, scope: Scope) -> None:
    """Start DHCP clients that have ended with the helper's last process."""
    links = kernel.links()
    for client in sorted(target.dhcp - dhcp.running()):
        if client.link in scope.addressed and client.link in links:
            try:
                dhcp.start(client)
            except (errors.PrivilegedError, OSError) as error:
                LOG.warning("No DHCP client for %s: %s", client.link, error)


def restore(target: State, scope: Scope) -> list[str]:
    """Make ``scope`` of this host as ``target`` says, as far as it can be.

    It may be called again after it was cut off anywhere.  A step that fails does not keep back the
    others.

    :returns: what could not be done, in words; nothing of it if all is as it shall be
    """
    problems: list[str] = []
    for _ in range(_ROUNDS):
        real = read()
        possible, problems = _possible(real, target, scope)
        try:
            steps = difference(real, possible, scope, force=True)
        except Conflict as error:
            return [*problems, str(error)]
        if not steps:
            return problems
        for step in steps:
            try:
                perform(step)
            except (errors.PrivilegedError, OSError) as error:
                LOG.warning("Not restored: %s: %s", step, error)
                problems.append(f"{step}: {error}")
    return problems


def settle_shares(target: State, scope: Scope) -> list[str]:
    """Of ``scope``, set only the shares as ``target`` says: for those who set up all else.

    :returns: what could not be done, in words
    """
    problems = []
    real = read()
    for step in difference(real, dataclasses.replace(real, shares=target.shares), scope):
        try:
            perform(step)
        except errors.PrivilegedError as error:
            problems.append(f"{step}: {error}")
    return problems


def _possible(real: State, target: State, scope: Scope) -> tuple[State, list[str]]:
    """The target without what lies on interfaces that are not there."""
    lost: dict[str, str] = {}
    for name, link in target.links.items():
        there = real.links.get(name)
        if name in scope.links and there is None and not link.kind:
            lost[name] = f"there is no interface {name}"
        elif name in scope.links and there is not None and link.kind and not there.kind:
            lost[name] = f"there is an interface {name} that mycloud has not made"
    problems = list(lost.values())
    while True:
        more = [name for name, link in target.links.items()
                if name not in lost and link.base in lost]
        if not more:
            break
        lost.update((name, "") for name in more)
    links = {
        name: _without_master(link, lost) for name, link in target.links.items()
        if name not in lost
    }
    return dataclasses.replace(
        target, links=links,
        addresses=frozenset(each for each in target.addresses if each.link not in lost),
        routes=frozenset(each for each in target.routes if each.link not in lost),
        dhcp=frozenset(each for each in target.dhcp if each.link not in lost),
        shares=frozenset(each for each in target.shares if each.link not in lost),
        source_routes=frozenset(
            each for each in target.source_routes if each.link not in lost
        ),
    ), problems


def _without_master(link: Link, lost: dict[str, str]) -> Link:
    return dataclasses.replace(link, master=None) if link.master in lost else link
