"""Statements and messages per boot, counted in a cloud that runs in this process."""

import statistics

from benchmarks.steps import Line
from mycloud.common import concurrency, rpc
from mycloud.compute.requests import create
from tests.fixtures import seeds
from tests.fixtures.cloud import Cloud

_COUNT = 20


def run() -> list[Line]:
    """Boots servers one after the other; the median leaves out what a heartbeat adds to some."""
    cloud = Cloud(quota=dict.fromkeys(("instances", "cores", "ram"), -1))
    cloud.setUp()
    try:
        seeds.basics(cloud)
        # the first one fills caches
        seeds.boot(cloud)
        concurrency.sleep(0.5)
        counts = [_boot(cloud) for _ in range(_COUNT)]
    finally:
        cloud.cleanUp()
    step = "per boot"
    return [
        Line(step, "SQL statements", statistics.median(one for one, _ in counts), "", 30),
        Line(step, "messages", statistics.median(one for _, one in counts), "", 8),
    ]


def _boot(cloud: Cloud) -> tuple[int, int]:
    """Boot a server; returns how many statements and messages that took."""
    looks = 0

    def active() -> bool:
        nonlocal looks
        looks += 1
        return bool(seeds.row(server_id)["vm_state"] == "active")

    statements, messages = cloud.db.statements, sum(rpc.published.values())
    made = cloud.in_role(create.create, cloud.context(), seeds.spec())
    server_id = made.servers[0]["id"]
    cloud.wait(active, what="the server's boot")
    return (
        cloud.db.statements - statements - looks,
        sum(rpc.published.values()) - messages,
    )
