"""What it costs to tell the network of a host: ``python -m benchmarks.host_facts``, as root.

The host is a network namespace with 100 pairs of interfaces, all up. Times are the process's own
CPU time, which others' load on the machine does not change; how late an event is heard is told by
the clock.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable

from mycloud.agent.netinfo.facts import Facts
from mycloud.agent.netinfo.monitor import Monitor
from mycloud.common import concurrency
from tests.fixtures.network_namespace import NetworkNamespace

_PAIRS = 100
_ROUNDS = 20
_LINE = "| {:<60} | {:>10} |"


def cost(what: Callable[[], object]) -> str:
    """The median of CPU time."""
    found = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        what()
        found.append(time.process_time() - began)
    return _shown(statistics.median(found))


def lateness(inside: NetworkNamespace, monitor: Monitor) -> str:
    """From before ``ip addr add`` is started until its event is heard; the median."""
    found = []
    with monitor.subscribe("newaddr") as subscription:
        for number in range(_ROUNDS):
            began = time.perf_counter()
            inside.ip("addr", "add", f"192.0.2.{number + 1}/24", "dev", "a0")
            subscription.get(10)
            found.append(time.perf_counter() - began)
    return _shown(statistics.median(found))


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds > 1e-4 else f"{seconds * 1e6:.0f} µs"


def main() -> int:
    """Print a table of the results page."""
    if os.geteuid():
        print("only root can make network namespaces", file=sys.stderr)
        return 2
    concurrency.patch()
    with NetworkNamespace() as inside:
        inside.batch(*(
            line for number in range(_PAIRS) for line in (
                f"link add a{number} type veth peer name b{number}",
                f"link set dev a{number} up", f"link set dev b{number} up",
            )
        ))
        monitor = Monitor()
        kept, anew = Facts(monitor=monitor), Facts()
        with inside.entered():
            monitor.start()
            kept.start()
            anew.start()
        # the kernel goes on to tell of new links for a while
        concurrency.sleep(2)
        kept.snapshot()
        rows = (
            ("all links, addresses and routes, asked anew", cost(anew.snapshot)),
            ("the same while nothing has changed", cost(kept.snapshot)),
            ("network.caps while nothing has changed", cost(kept.capabilities)),
            ("network.stats", cost(kept.statistics)),
            ("`ip addr add`, until its event is heard (clock)", lateness(inside, monitor)),
        )
        monitor.stop()
        kept.stop()
        anew.stop()
    print(_LINE.format(f"a host with {2 * _PAIRS} links", "median"))
    print(_LINE.format("---", "--:"))
    for row in rows:
        print(_LINE.format(*row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
