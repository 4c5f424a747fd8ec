"""The host's network by nmstate."""

from __future__ import annotations

from mycloud.privileged.arguments import Uuid
from mycloud.privileged.checkpoint import running
from mycloud.privileged.expose import expose
from mycloud.privileged.network import kernel, perform
from mycloud.privileged.network.nmstate import Nmstate


@expose(
    touches="links, addresses and routes of this host, by nmstatectl", idempotent=True,
    deadline=120.0,
)
def nmstate_apply(checkpoint: Uuid) -> None:
    """Make the host as the checkpoint was armed for."""
    keeper = running.keeper()
    target, scope, seconds = keeper.armed_target(checkpoint)
    with keeper.changing(checkpoint, scope.links):
        host = Nmstate(perform.read, kernel.mark, settle=perform.settle_shares)
        host.apply(target, scope, seconds)
