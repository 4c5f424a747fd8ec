"""The steps of the load: each returns lines of the table of results."""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.client import Client, Load, during, each
from benchmarks.cloud import Cloud

#: Seconds between two looks at a server that is being built.
_LOOK = 0.005
_PATIENCE = 180.0


@dataclass(frozen=True)
class Line:
    """``goal`` is met if ``value`` is at most it, or at least it where ``more`` is better."""

    step: str
    what: str
    value: float
    unit: str
    goal: float | None = None
    more: bool = False

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value >= self.goal if self.more else self.value <= self.goal


@contextmanager
def cpu_of(cloud: Cloud) -> Iterator[Callable[[int], float]]:
    """Gives a function: seconds of the cloud's CPU per operation, for so many operations."""
    before = cloud.cpu()
    after = [before]
    yield lambda count: (after[0] - before) / count if count else float("nan")
    after[0] = cloud.cpu()


def checked(load: Load) -> Load:
    """:raises RuntimeError: something of it has failed"""
    if load.failed:
        raise RuntimeError(f"{load.failed} failed: {load.errors[:3]}")
    return load


def _boot(cloud: Cloud) -> Callable[[Client, Any], None]:
    def work(client: Client, name: Any) -> None:
        body = {
            "name": f"bench-{name}",
            "flavorRef": cloud.flavor,
            "imageRef": cloud.image,
            "networks": "none",
        }
        server_id = client.call("POST", "/servers", {"server": body})["server"]["id"]
        end = time.perf_counter() + _PATIENCE
        while time.perf_counter() < end:
            status = client.call("GET", f"/servers/{server_id}")["server"]["status"]
            if status == "ACTIVE":
                return
            if status == "ERROR":
                break
            time.sleep(_LOOK)
        raise RuntimeError(f"server {server_id} is not active but {status}")

    return work


def boot_one_by_one(cloud: Cloud, count: int = 50) -> list[Line]:
    step = f"boot, {count} one by one"
    with cpu_of(cloud) as cpu:
        load = checked(each(cloud.compute, range(1, count + 1), _boot(cloud), 1))
    return [
        Line(step, "median", load.median_ms, "ms", 50),
        Line(step, "95 %", load.p95_ms, "ms"),
        Line(step, "CPU", cpu(count), "s each", 0.05),
    ]


def boot_side_by_side(cloud: Cloud, count: int = 200) -> list[Line]:
    step = f"boot, {count} with 10 clients"
    with cpu_of(cloud) as cpu:
        load = checked(each(cloud.compute, range(1, count + 1), _boot(cloud), 10))
    return [
        Line(step, "rate", load.rate, "/s", 28, more=True),
        Line(step, "CPU", cpu(count), "s each"),
    ]


def _ids(cloud: Cloud) -> list[str]:
    client, found, marker = cloud.compute(), [], ""
    while page := client.call("GET", f"/servers?limit=1000{marker}")["servers"]:
        found += [server["id"] for server in page]
        marker = f"&marker={found[-1]}"
    return found


def delete(cloud: Cloud) -> list[Line]:
    """All servers, until the list is empty."""
    ids = _ids(cloud)
    step = f"delete {len(ids)}, 10 clients"
    begun = time.perf_counter()
    with cpu_of(cloud) as cpu:
        checked(each(
            cloud.compute,
            ids,
            lambda client, server_id: client.call("DELETE", f"/servers/{server_id}"),
            10,
        ))  # fmt: skip
        client = cloud.compute()
        while client.call("GET", "/servers?limit=1")["servers"]:
            time.sleep(_LOOK)
        elapsed = time.perf_counter() - begun
    return [
        Line(step, "rate", len(ids) / elapsed, "/s", 60, more=True),
        Line(step, "CPU", cpu(len(ids)), "s each"),
    ]


def list_servers(cloud: Cloud, *, goal_ms: float, goal_rate: float | None) -> list[Line]:
    path = "/servers/detail?limit=1000"
    client, times, count = cloud.compute(), [], 0
    for _ in range(10):
        begun = time.perf_counter()
        count = len(client.call("GET", path)["servers"])
        times.append(time.perf_counter() - begun)
    step = f"GET /servers/detail, {count}"
    lines = [Line(step, "median", statistics.median(times) * 1000, "ms", goal_ms)]
    if goal_rate is not None:
        load = checked(
            during(cloud.compute, 5, lambda client, turn: client.call("GET", path), 4)
        )
        lines.append(Line(step, "rate, 4 clients", load.rate, "/s", goal_rate, more=True))
    return lines


def show_server(cloud: Cloud) -> list[Line]:
    turns = itertools.cycle(_ids(cloud))
    with cpu_of(cloud) as cpu:
        load = checked(during(
            cloud.compute,
            5,
            lambda client, turn: client.call("GET", f"/servers/{next(turns)}"),
            8,
        ))  # fmt: skip
    step = "GET /servers/{id}, 8 clients"
    return [
        Line(step, "rate", load.rate, "/s", 900, more=True),
        Line(step, "median", load.median_ms, "ms"),
        Line(step, "CPU", cpu(len(load.times)) * 1000, "ms each"),
    ]


def tokens(cloud: Cloud) -> list[Line]:
    lines = []
    for name, body, goal in (
        ("password", cloud.password(), 8.5),
        ("application credential", cloud.application_credential(), 500),
        ("rescoped", cloud.rescope(), 500),
    ):
        with cpu_of(cloud) as cpu:
            load = checked(during(cloud.anonymous, 5, _login(body), 8))
        step = f"token by {name}, 8 clients"
        lines += [
            Line(step, "rate", load.rate, "/s", goal, more=True),
            Line(step, "CPU", cpu(len(load.times)) * 1000, "ms each"),
        ]
    return lines


def _login(body: dict[str, Any]) -> Callable[[Client, Any], None]:
    return lambda client, turn: client.call("POST", "/auth/tokens", body)
