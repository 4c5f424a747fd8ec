"""Volumes on a cloud with fake parts: made, listed, attached, detached and deleted.

    python -m benchmarks.volumes [MORE ARGUMENTS OF mycloud up]
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import run, steps
from benchmarks.client import Client, each
from benchmarks.cloud import Cloud
from benchmarks.steps import Line

# between two looks: fine where one at a time is timed; as the load that the peers had is, where
# ten clients wait, or their looks would be most of what is measured
_LOOK = 0.005
_LOOK_OF_TEN = 0.1
_PATIENCE = 60.0
_SERVERS = 10


def _until(client: Client, volume_id: str, status: str, look: float = _LOOK) -> None:
    end = time.perf_counter() + _PATIENCE
    while time.perf_counter() < end:
        found = client.call("GET", f"/volumes/{volume_id}")["volume"]["status"]
        if found == status:
            return
        if found.startswith("error"):
            break
        time.sleep(look)
    raise RuntimeError(f"volume {volume_id} is not {status} but {found}")


def create(cloud: Cloud, count: int) -> list[Line]:
    """From the POST until a GET shows available."""

    def work(client: Client, name: Any) -> None:
        made = client.call("POST", "/volumes", {"volume": {"size": 1, "name": f"bench-{name}"}})
        _until(client, made["volume"]["id"], "available", _LOOK_OF_TEN)

    step = f"volume create, {count} with 10 clients"
    with steps.cpu_of(cloud) as cpu:
        load = steps.checked(each(cloud.volume, range(count), work, 10))
    return [
        Line(step, "rate", load.rate, "/s", 95, more=True),
        Line(step, "median", load.median_ms, "ms"),
        Line(step, "CPU", cpu(count), "s each"),
    ]


def listed(cloud: Cloud) -> list[Line]:
    client, times, count = cloud.volume(), [], 0
    for _ in range(10):
        begun = time.perf_counter()
        count = len(client.call("GET", "/volumes/detail?limit=1000")["volumes"])
        times.append(time.perf_counter() - begun)
    step = f"GET /volumes/detail, {count}"
    return [Line(step, "median", statistics.median(times) * 1000, "ms")]


def attach(cloud: Cloud, count: int) -> list[Line]:
    """One by one, from the POST until a GET shows in-use; and back to available."""
    steps.boot_side_by_side(cloud, _SERVERS)
    servers = [server["id"] for server in cloud.compute().call("GET", "/servers")["servers"]]
    found = cloud.volume().call("GET", f"/volumes?limit={count}")["volumes"]
    volumes = [volume["id"] for volume in found]
    compute = cloud.compute()

    def path(number: int) -> str:
        return f"/servers/{servers[number % len(servers)]}/os-volume_attachments"

    def give(client: Client, number: Any) -> None:
        body = {"volumeAttachment": {"volumeId": volumes[number]}}
        compute.call("POST", path(number), body)
        _until(client, volumes[number], "in-use")

    def take(client: Client, number: Any) -> None:
        compute.call("DELETE", f"{path(number)}/{volumes[number]}")
        _until(client, volumes[number], "available")

    lines = []
    works: tuple[tuple[str, Callable[[Client, Any], None], float | None], ...] = (
        ("attach", give, 25), ("detach", take, None),
    )
    for name, work, goal in works:
        step = f"{name}, {len(volumes)} one by one"
        with steps.cpu_of(cloud) as cpu:
            load = steps.checked(each(cloud.volume, range(len(volumes)), work, 1))
        lines += [
            Line(step, "median", load.median_ms, "ms", goal),
            Line(step, "95 %", load.p95_ms, "ms"),
            Line(step, "CPU", cpu(len(volumes)), "s each"),
        ]
    return lines


def main() -> None:
    with Cloud(sys.argv[1:]) as cloud:
        cloud.allow_volumes()
        for lines in (create(cloud, 100), create(cloud, 100), listed(cloud), attach(cloud, 50)):
            run.told(lines)


if __name__ == "__main__":
    main()
