"""A way back while the host's network is changed: the helper takes it by itself when nobody
commits in time."""

from __future__ import annotations

from typing import Annotated, Any

from mycloud.privileged import errors
from mycloud.privileged.arguments import Check, Uuid
from mycloud.privileged.checkpoint import running
from mycloud.privileged.checkpoint.keeper import NETLINK, NMSTATE, Wanted
from mycloud.privileged.expose import expose
from mycloud.privileged.network import kernel, model

Seconds = Annotated[float, Check("between 1 and 3600 seconds", lambda value: 1 <= value <= 3600)]
_LOOPBACK = "lo"


@expose(touches="remembers the host's links, addresses and routes", deadline=60.0)
def checkpoint_arm(
    target: dict[str, Any], scope: dict[str, Any], kept: dict[str, Any], *,
    options: dict[str, Any], deadline_seconds: Seconds,
) -> dict[str, Any]:
    """Remember how the links of ``scope`` are, and go back to that after the deadline.

    :param target: how they shall be (``network.model``)
    :param kept: what of it is restored when the host starts, once it is committed
    :param options: ``document``, what the operator asked for: given back by
        ``checkpoint_status``; ``backend``, ``netlink`` or ``nmstate``
    :returns: ``{"id", "seconds_left", "document", "links"}``
    """
    wanted = Wanted(
        _document(options), model.state_from_json(target), model.scope_from_json(scope),
        model.scope_from_json(kept), options.get("backend", NETLINK),
    )
    if wanted.backend not in (NETLINK, NMSTATE):
        raise errors.InvalidArguments(f"There is no back end {wanted.backend!r}")
    if _LOOPBACK in wanted.scope.links | wanted.kept.links:
        raise errors.Refused("The loopback interface is nobody's to change")
    if wanted.kept.links - wanted.target.links.keys():
        raise errors.InvalidArguments("kept: names links that are not in 'target'")
    there = kernel.links()
    for name in sorted(wanted.scope.links):
        link = wanted.target.links.get(name)
        if link is not None and link.kind and name in there and not there[name].own:
            raise errors.Refused(f"There is an interface {name} that mycloud has not made")
    return running.keeper().arm(wanted, deadline_seconds)


@expose(
    touches="what is restored when the host starts", idempotent=True, deadline=60.0
)
def checkpoint_commit(checkpoint: Uuid) -> dict[str, Any]:
    """Stay with what is.

    :returns: ``{"id", "outcome": "committed", "reason", "problems", "at"}``
    """
    return running.keeper().commit(checkpoint)


@expose(touches="the host's links, addresses and routes", idempotent=True, deadline=120.0)
def checkpoint_rollback(checkpoint: Uuid, *, reason: str = "") -> dict[str, Any]:
    """Go back to what was when the checkpoint was armed.

    :returns: ``{"id", "outcome": "rolled back", "reason", "problems", "at"}``
    """
    return running.keeper().roll_back(checkpoint, reason[:1000])


@expose(touches="nothing", idempotent=True)
def checkpoint_status() -> dict[str, Any]:
    """:returns: ``{"committed", "armed", "last", "boot"}``, each None where there is none"""
    return running.keeper().status()


def _document(options: dict[str, Any]) -> dict[str, Any]:
    document = options.get("document", {})
    if not isinstance(document, dict) or options.keys() - {"document", "backend"}:
        raise errors.InvalidArguments("options: 'document' and 'backend' are known")
    return document
