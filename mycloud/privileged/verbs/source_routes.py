"""Routes of their own for what a host answers on each of its networks."""

from __future__ import annotations

from typing import Any, Literal

from mycloud.privileged import source_routes
from mycloud.privileged.arguments import Address, Interface, InterfaceName
from mycloud.privileged.expose import expose

_TOUCHES = "rules, and routes of tables of mycloud's own"


@expose(touches=_TOUCHES, idempotent=True)
def source_route_add(device: InterfaceName, address: Interface, gateway: Address) -> None:
    """Have answers from this address leave by its interface and gateway.

    What was set for another address of the interface and family is forgotten.
    """
    source_routes.add(device, address, gateway)


@expose(touches=_TOUCHES, idempotent=True)
def source_route_remove(
    device: InterfaceName, *, family: Literal[4, 6] | None = None
) -> dict[str, Any]:
    """Forget it, whether the interface is there or not.

    :returns: ``removed``: there was something
    """
    return {"removed": source_routes.remove(device, family)}


@expose(touches="nothing", idempotent=True)
def source_route_list() -> list[dict[str, Any]]:
    """:returns: ``device`` and ``family`` (4 or 6) of each that is set"""
    return [
        {"device": device, "family": family} for device, family in source_routes.devices()
    ]
