"""The keeper of this process."""

from __future__ import annotations

from pathlib import Path

from mycloud.privileged.checkpoint.keeper import Keeper
from mycloud.privileged.checkpoint.store import Store
from mycloud.privileged.network import model, perform

DIRECTORY = "network"

_keeper: Keeper | None = None


class ThisHost:
    """The network of the host that this process runs on."""

    def read(self) -> model.State:
        return perform.read()

    def restore(self, target: model.State, scope: model.Scope) -> list[str]:
        return perform.restore(target, scope)


def start(state_dir: Path) -> None:
    """Go on where the helper's last process was cut off; once, before a call is taken.

    :param state_dir: root's own directory of the helper
    """
    global _keeper
    made = Keeper(Store(state_dir / DIRECTORY), ThisHost())
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
