"""The keeper of this process."""

from __future__ import annotations

from pathlib import Path

from mycloud.privileged.checkpoint.keeper import NETLINK, NMSTATE, Host, Keeper
from mycloud.privileged.checkpoint.store import Store
from mycloud.privileged.network import kernel, model, perform
from mycloud.privileged.network.nmstate import Nmstate

DIRECTORY = "network"

_keeper: Keeper | None = None


class ByNetlink:
    """The network of this host, changed by the kernel's own interface."""

    def read(self) -> model.State:
        return perform.read()

    def commit(self) -> None:
        """Nothing has to be done."""

    def resume(self, target: model.State, scope: model.Scope) -> None:
        perform.resume(target, scope)

    def go_back(self, before: model.State, scope: model.Scope) -> list[str]:
        return perform.restore(before, scope)

    def restore(self, target: model.State, scope: model.Scope) -> list[str]:
        return perform.restore(target, scope)


def start(state_dir: Path) -> None:
    """Go on where the helper's last process was cut off; once, before a call is taken.

    :param state_dir: root's own directory of the helper
    """
    global _keeper
    by_nmstate = Nmstate(perform.read, kernel.mark, settle=perform.settle_shares)
    hosts: dict[str, Host] = {NETLINK: ByNetlink(), NMSTATE: by_nmstate}
    made = Keeper(Store(state_dir / DIRECTORY), hosts)
    made.start()
    _keeper = made


def stop() -> None:
    """Look after the deadline no more."""
    global _keeper
    if _keeper is not None:
        _keeper.stop()
        _keeper = None


def keeper() -> Keeper:
    """:raises RuntimeError: outside the helper"""
    if _keeper is None:
        raise RuntimeError("no keeper of checkpoints runs")
    return _keeper
