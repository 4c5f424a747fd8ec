"""Routes of their own for what a host answers on each of its networks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Literal

from mycloud.privileged import source_routes
from mycloud.privileged.arguments import Address, Interface, InterfaceName, Uuid
from mycloud.privileged.checkpoint import running
from mycloud.privileged.expose import expose

_TOUCHES = "rules, and routes of tables of mycloud's own"


@expose(touches=_TOUCHES, idempotent=True)
def source_route_add(
    device: InterfaceName, address: Interface, gateway: Address, *,
    checkpoint: Uuid | None = None,
) -> None:
    """Have answers from this address leave by its interface and gateway.

    What was set for another address of the interface and family is forgotten.
    """
    with _changing(device, checkpoint):
        source_routes.add(device, address, gateway)


@expose(touches=_TOUCHES, idempotent=True)
def source_route_remove(
    device: InterfaceName, *, family: Literal[4, 6] | None = None,
    checkpoint: Uuid | None = None,
) -> dict[str, Any]:
    """Forget it, whether the interface is there or not.

    :returns: ``removed``: there was something
    """
    with _changing(device, checkpoint):
        return {"removed": source_routes.remove(device, family)}


@expose(touches="nothing", idempotent=True)
def source_route_list() -> list[dict[str, Any]]:
    """:returns: ``device`` and ``family`` (4 or 6) of each that is set"""
    return [
        {"device": device, "family": family} for device, family in source_routes.devices()
    ]


@contextlib.contextmanager
def _changing(device: str, checkpoint: str | None) -> Iterator[None]:
    """As a part of a checkpoint, if one is named; leases come and go at any time."""
    if checkpoint is None:
        yield
        return
    with running.keeper().changing(checkpoint, frozenset({device})):
        yield
