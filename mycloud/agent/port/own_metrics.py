"""What the agent shows of its own port and workers at ``/metrics``."""

from __future__ import annotations

from operator import itemgetter

from mycloud.agent.executor import Executor
from mycloud.agent.port.acceptor import Acceptor
from mycloud.agent.statistics.exposition import COUNTER, GAUGE, Family, labels, write

_WORK = (
    Family("mycloud_agent_workers", GAUGE, "Workers that run verbs.", itemgetter("workers")),
    Family(
        "mycloud_agent_tasks_queued", GAUGE, "Verbs that wait for a worker.", itemgetter("queued")
    ),
    Family(
        "mycloud_agent_tasks_stuck", GAUGE, "Verbs that do not end.",
        lambda work: len(work["stuck"]),
    ),
)
_OPEN = Family(
    "mycloud_agent_open_connections", GAUGE, "Open connections by what they speak.",
    lambda count: count,
)
_ALL = Family(
    "mycloud_agent_connections_total", COUNTER, "Connections by what has become of them.",
    lambda count: count,
)


def page(executor: Executor, acceptor: Acceptor) -> bytes:
    """Lines in Prometheus' text format."""
    lines: list[str] = []
    port = acceptor.look()
    write(_WORK, [("", executor.look())], lines)
    now = {"greeting": port["greeting"], **port["served"]}
    write([_OPEN], [(labels({"protocol": name}), now[name]) for name in sorted(now)], lines)
    counts = port["counts"]
    write([_ALL], [(labels({"outcome": name}), counts[name]) for name in sorted(counts)], lines)
    return "".join(lines).encode()
