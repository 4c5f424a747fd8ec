"""The kernel's own interface: each step is one verb."""

from __future__ import annotations

from typing import Any

from mycloud.agent.network.backends.base import Backend
from mycloud.agent.network.host_state import HostState
from mycloud.agent.network.plan import Plan
from mycloud.privileged import errors
from mycloud.privileged.network import actions
from mycloud.privileged.network.difference import Conflict, difference
from mycloud.privileged.network.model import Link, Route, Share

_ROUNDS = 3


class Netlink(Backend):
    """Works where Linux does."""

    name = "netlink"

    def apply(self, plan: Plan, checkpoint: str) -> None:
        steps = plan.steps
        for _ in range(_ROUNDS):
            for step in steps:
                self._perform(step, checkpoint)
            # the kernel does a few things by itself, such as an MTU that follows another one
            steps = self._left(plan)
            if not steps:
                return
        raise errors.SystemFailed(
            "The kernel has taken every change, and yet this is not as it shall be: "
            + "; ".join(map(str, steps))
        )

    def _left(self, plan: Plan) -> list[actions.Action]:
        now = HostState.read(self._call.link_state()).now
        try:
            return difference(now, plan.target, plan.scope)
        except Conflict as error:
            raise errors.SystemFailed(f"The host has changed meanwhile: {error}") from error

    def _perform(self, step: actions.Action, checkpoint: str) -> None:
        call, part = self._call, {"checkpoint": checkpoint}
        match step:
            case actions.LinkAdd(link):
                call.link_add(link.name, link.kind, mtu=link.mtu, details=_details(link), **part)
            case actions.LinkRemove(link):
                call.link_remove(link.name, **part)
            case actions.LinkSet(name, _, after):
                self._set(name, dict(after), part)
            case actions.AddressAdd(address):
                call.address_add(address.link, address.address, **part)
            case actions.AddressRemove(address):
                call.address_remove(address.link, address.address, **part)
            case actions.RouteAdd(route):
                call.route_add(route.link, route.destination, **_way(route), **part)
            case actions.RouteRemove(route):
                call.route_remove(route.link, route.destination, **_way(route), **part)
            case actions.SourceRouteAdd(each):
                call.source_route_add(each.link, each.address, each.gateway, **part)
            case actions.SourceRouteRemove(each):
                call.source_route_remove(each.link, family=int(each.family[1]), **part)
            case actions.NameServersSet(_, after):
                call.resolver_set(list(after), **part)
            case actions.DhcpStart(client):
                call.dhcp_start(
                    client.link, client.family, default_route=client.default_route, **part
                )
            case actions.DhcpStop(client):
                call.dhcp_stop(
                    client.link, client.family, default_route=client.default_route, **part
                )
            case actions.ShareSet(_, share):
                call.tc_qos_set(
                    share.link, share.vlan or None, outbound=_outbound(share), **part
                )
            case actions.ShareRemove(share):
                call.tc_qos_remove(share.link, share.vlan or None, **part)

    def _set(self, name: str, after: dict[str, Any], part: dict[str, str]) -> None:
        if "master" in after:
            master = after.pop("master")
            if master is None:
                self._call.link_leave(name, **part)
            else:
                self._call.link_join(name, master, **part)
        if after:
            self._call.link_set(name, **after, **part)


def _details(link: Link) -> dict[str, Any]:
    found: dict[str, Any] = {"options": dict(link.options)}
    if link.base is not None:
        found |= {"base": link.base, "vlan": link.vlan}
    return found


def _outbound(share: Share) -> dict[str, int]:
    rates = {name: value for name in ("limit", "guaranteed") if (value := getattr(share, name))}
    return {"share": share.share, **rates}


def _way(route: Route) -> dict[str, Any]:
    return {
        "gateway": route.gateway or None,
        "details": {
            "metric": route.metric, "source": route.source, "protocol": route.protocol,
            "onlink": route.onlink,
        },
    }
