"""What a host's networks cost: ``python -m benchmarks.host_network``, as root.

The host is a network namespace with twenty NICs; the document puts a bridge with addresses on
each.  The root helper is the real program; its checkpoints are on the disk.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mycloud.agent.network.setup import Setup
from mycloud.privileged import client
from tests.fixtures.network_namespace import NetworkNamespace

_NICS = 20
_LINE = "| {:<44} | {:>12} | {:<8} | {:<11} |"


def document() -> dict[str, Any]:
    """Twenty bridges on twenty NICs."""
    return {"networks": {
        f"net{number}": {
            "nic": f"eth{number}", "bridged": True, "mtu": 1400,
            "addresses": [f"10.0.{number}.1/24", f"2001:db8:{number}::1/64"],
        } for number in range(_NICS)
    }}


def removal() -> dict[str, Any]:
    """What takes them away."""
    return {"networks": {name: {"remove": True} for name in document()["networks"]}}


def timed(what: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what it returned."""
    began = time.perf_counter()
    found = what()
    return time.perf_counter() - began, found


def show(what: str, seconds: list[float], goal: float | None = None) -> None:
    """One line of the table: the median."""
    middle = statistics.median(seconds)
    words = ("", "") if goal is None else (
        f"< {goal:g} s", "met" if middle < goal else "**not met**"
    )
    print(_LINE.format(what, f"{middle * 1000:.0f} ms", *words))


def measure(rounds: int) -> None:
    """Apply, commit, remove; and apply and go back."""
    setup = Setup(client.call)
    plans, applies, commits, removals, backs = [], [], [], [], []
    for _ in range(rounds):
        seconds, (plan, _change) = timed(lambda: setup.plan(document()))
        plans.append(seconds)
        seconds, done = timed(lambda: setup.apply(document(), 60))
        applies.append(seconds)
        commits.append(timed(lambda: setup.commit(done["checkpoint"]))[0])  # noqa: B023
        seconds, done = timed(lambda: setup.apply(removal(), 60))
        removals.append(seconds)
        setup.commit(done["checkpoint"])
        done = setup.apply(document(), 60)
        backs.append(timed(lambda: setup.rollback(done["checkpoint"]))[0])  # noqa: B023
    print(_LINE.format("what, median", "measured", "goal", ""))
    print("|---|---|---|---|")
    show(f"plan of {_NICS} bridges, {len(plan.steps)} steps", plans)
    show("apply it", applies, 1.0)
    show("commit it", commits)
    show("apply its removal", removals)
    show("roll it back", backs)


def main() -> int:
    """0, or 1 for who is not root."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    if os.geteuid() != 0:
        print("namespaces and links need root", file=sys.stderr)
        return 1
    load = os.getloadavg()[0]
    with NetworkNamespace() as inside, NetworkNamespace() as outside, \
            tempfile.TemporaryDirectory() as state:
        for number in range(_NICS):
            inside.pair(f"eth{number}", outside, f"port{number}")
        with (Path(state) / "log").open("w") as log:
            helper = subprocess.Popen(
                [
                    "ip", "netns", "exec", inside.name, sys.executable, "-m",
                    "mycloud.privileged.program", "--state", state, "--user", "root",
                ],
                stdout=log, stderr=log,
            )
        try:
            client.configure(Path(state))
            measure(rounds)
        finally:
            helper.terminate()
            helper.wait()
    print(f"\nload average {load:.1f} before, {os.getloadavg()[0]:.1f} after")
    return 0


if __name__ == "__main__":
    sys.exit(main())
