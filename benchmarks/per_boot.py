"""Statements and messages per boot, counted in a cloud that runs in this process."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.steps import Line
from mycloud.common import clock, concurrency, rpc
from mycloud.compute.requests import create
from tests.fixtures import seeds
from tests.fixtures.cloud import Cloud

_COUNT = 20
#: Seconds to see what the services do while nothing is asked of them.
_IDLE = 5.0


@dataclass(frozen=True)
class _Count:
    statements: int
    messages: int
    seconds: float


def _counted(cloud: Cloud, work: Callable[[], object]) -> _Count:
    statements, messages = cloud.db.statements, sum(rpc.published.values())
    begun = clock.monotonic()
    work()
    return _Count(
        cloud.db.statements - statements,
        sum(rpc.published.values()) - messages,
        clock.monotonic() - begun,
    )


def run() -> list[Line]:
    """Boots servers one after the other; what the services do anyway is taken off."""
    cloud = Cloud(quota=dict.fromkeys(("instances", "cores", "ram"), -1))
    cloud.setUp()
    try:
        seeds.basics(cloud)
        # the first one fills caches
        seeds.boot(cloud)
        concurrency.sleep(0.5)
        idle = _counted(cloud, lambda: concurrency.sleep(_IDLE))
        looks: list[int] = []
        busy = _counted(cloud, lambda: looks.extend(_boot(cloud) for _ in range(_COUNT)))
    finally:
        cloud.cleanUp()
    of_itself = [busy.seconds * count / idle.seconds for count in (idle.statements, idle.messages)]
    statements = busy.statements - of_itself[0] - sum(looks)
    messages = busy.messages - of_itself[1]
    step = "per boot"
    return [
        Line(step, "SQL statements", statements / _COUNT, "", 30),
        Line(step, "messages", messages / _COUNT, "", 8),
    ]


def _boot(cloud: Cloud) -> int:
    """Boot a server; returns how many statements it took to watch it."""
    looks = 0

    def active() -> bool:
        nonlocal looks
        looks += 1
        return bool(seeds.row(server_id)["vm_state"] == "active")

    made = cloud.in_role(create.create, cloud.context(), seeds.spec())
    server_id = made.servers[0]["id"]
    cloud.wait(active, what="the server's boot")
    return looks
