"""Addresses and routes of the host's links, and whom it asks for names."""

from __future__ import annotations

from mycloud.privileged import errors
from mycloud.privileged.arguments import Address, Interface, InterfaceName, Network, Uuid
from mycloud.privileged.checkpoint import running
from mycloud.privileged.expose import expose
from mycloud.privileged.network import model, resolver
from mycloud.privileged.network.actions import AddressAdd, AddressRemove, RouteAdd, RouteRemove
from mycloud.privileged.network.perform import perform
from mycloud.privileged.verbs.links import changing

Detail = str | int | bool
_ADDRESSES = "addresses of this host's links"
_ROUTES = "routes of this host's main table"


@expose(touches=_ADDRESSES, idempotent=True)
def address_add(
    link: InterfaceName, address: Interface, *, checkpoint: Uuid | None = None
) -> None:
    """Give a link an address for good."""
    found = model.address_from_json({"link": link, "address": address})
    with changing(link, checkpoint=checkpoint):
        perform(AddressAdd(found))


@expose(touches=_ADDRESSES, idempotent=True)
def address_remove(
    link: InterfaceName, address: Interface, *, checkpoint: Uuid | None = None
) -> None:
    """Take it from the link; one that is gone is no failure."""
    found = model.address_from_json({"link": link, "address": address})
    with changing(link, checkpoint=checkpoint):
        perform(AddressRemove(found))


@expose(touches=_ROUTES, idempotent=True)
def route_add(
    link: InterfaceName, destination: Network, *, gateway: Address | None = None,
    details: dict[str, Detail] | None = None, checkpoint: Uuid | None = None,
) -> None:
    """Set a route; the default one is to ``0.0.0.0/0`` or ``::/0``.

    :param details: ``metric``; ``source``, the address that the host uses as its own there;
        ``protocol``, by the kernel's numbers; ``onlink``, true where no address of the link says
        that the gateway is reached by it
    """
    route = _route(link, destination, gateway, details)
    with changing(link, checkpoint=checkpoint):
        perform(RouteAdd(route))


@expose(touches=_ROUTES, idempotent=True)
def route_remove(
    link: InterfaceName, destination: Network, *, gateway: Address | None = None,
    details: dict[str, Detail] | None = None, checkpoint: Uuid | None = None,
) -> None:
    """Forget it; one that is gone is no failure."""
    route = _route(link, destination, gateway, details)
    with changing(link, checkpoint=checkpoint):
        perform(RouteRemove(route))


def _route(
    link: str, destination: str, gateway: str | None, details: dict[str, Detail] | None
) -> model.Route:
    given = {"link": link, "destination": destination, "gateway": gateway or ""}
    if given.keys() & (details or {}).keys():
        raise errors.InvalidArguments("details: names what has an argument of its own")
    return model.route_from_json({**given, **(details or {})})


@expose(touches="/etc/resolv.conf", idempotent=True)
def resolver_set(servers: list[Address], *, checkpoint: Uuid) -> None:
    """Let the host ask these name servers, the first one first."""
    with running.keeper().changing(checkpoint, frozenset()):
        resolver.write(tuple(servers))
