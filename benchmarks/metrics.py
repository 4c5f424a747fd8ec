"""The price of /metrics: 200 servers, each with two disks and a NIC.

    python -m benchmarks.metrics [--servers 200] [--scrapes 50] [--mode eventlet|threading]

A host's whole agent is a process of its own; another one scrapes it by HTTP, as Prometheus does.
The guests are made up, so what libvirt takes to answer is not in it. A scrape writes the last
sample; what taking one costs is measured by itself.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mycloud.common import concurrency

# before anything else is imported that would choose; the scraper is native in any case
concurrency.patch(None if "--serve" in sys.argv else concurrency.THREADING)

from oslo_config import cfg  # noqa: E402

from benchmarks import run  # noqa: E402
from benchmarks.steps import Line  # noqa: E402
from mycloud import conf  # noqa: E402
from mycloud.agent import parts  # noqa: E402
from mycloud.agent.host import Host  # noqa: E402
from mycloud.agent.hypervisor import (  # noqa: E402
    DiskFigures,
    GuestFigures,
    Hypervisor,
    NicFigures,
)
from mycloud.agent.port.acceptor import Acceptor  # noqa: E402
from mycloud.agent.statistics import metrics  # noqa: E402
from mycloud.agent.statistics.sampler import Sampler  # noqa: E402

GOAL_MS = 50.0


class Many(Hypervisor):
    """So many guests."""

    def __init__(self, count: int):
        self._count = count
        self._asked = 0

    def statistics(self) -> list[GuestFigures]:
        self._asked += 1
        return [self._guest(number) for number in range(self._count)]

    def versions(self) -> dict[str, str]:
        return {}

    def log_files(self) -> list[Path]:
        return []

    def _guest(self, number: int) -> GuestFigures:
        spent = self._asked * 1.234567 + number
        return GuestFigures(
            server_id=f"ea288f5a-6b78-49be-b585-{number:012d}",
            name=f"server-{number}",
            project_id="33333333333333333333333333333333",
            power_state="running",
            vcpus=2,
            cpu_seconds=spent,
            vcpu_seconds=(spent, spent),
            memory_bytes=1 << 30,
            memory_used_bytes=1 << 29,
            memory_resident_bytes=1 << 28,
            disks=(
                DiskFigures("vda", capacity_bytes=1 << 30, allocation_bytes=1 << 28),
                DiskFigures("vdb", volume_id=f"44444444-4444-4444-8444-{number:012d}"),
            ),
            nics=(NicFigures(f"tap{number}", "52:54:00:00:00:01", rx_bytes=int(spent)),),
        )


def serve(count: int) -> None:
    """Be the agent until standard input ends."""
    conf.register_all()
    cfg.CONF([], project="mycloud", default_config_files=[])
    cfg.CONF.set_override("port", 0, group="agent")
    with tempfile.TemporaryDirectory() as folder:
        host = Host("here", Path(folder), {Hypervisor: Many(count)})
        agent = parts.make(host, Path(folder))
        agent.start()
        address = host.part(Acceptor).address
        assert address is not None
        print(json.dumps({"port": address[1]}))
        sys.stdout.flush()
        concurrency.run_native(sys.stdin.buffer.read)
        agent.stop()


def _scrape(port: int) -> tuple[float, int, int]:
    """Milliseconds, bytes and series of one scrape."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read()
    took = (time.monotonic() - begun) * 1000
    connection.close()
    return took, len(text), sum(not line.startswith(b"#") for line in text.splitlines())


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _over_http(args: argparse.Namespace) -> list[Line]:
    command = [sys.executable, "-m", "benchmarks.metrics", "--serve", "--servers",
               str(args.servers)]
    env = {**os.environ, "MYCLOUD_CONCURRENCY": args.mode}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=env, **pipes) as agent:
        assert agent.stdin is not None and agent.stdout is not None
        port = json.loads(agent.stdout.readline())["port"]
        _scrape(port)
        before = _cpu(agent.pid)
        found = [_scrape(port) for _ in range(args.scrapes)]
        spent = (_cpu(agent.pid) - before) * 1000 / args.scrapes
        agent.stdin.close()
        agent.wait(30)
    times = [took for took, _, _ in found]
    step = f"/metrics, {args.servers} servers"
    return run.told([
        Line(step, "median", statistics.median(times), "ms", GOAL_MS),
        Line(step, "worst", max(times), "ms"),
        Line(step, "CPU of the agent", spent, "ms", GOAL_MS),
        Line(step, "size", found[-1][1] / 1024, "KiB"),
        Line(step, "series", found[-1][2], ""),
    ])


def _inside(args: argparse.Namespace) -> list[Line]:
    """Without the way to the scraper."""
    with tempfile.TemporaryDirectory() as folder:
        sampler = Sampler(Many(args.servers), Path(folder), max_age=0)
        host = Host("here", Path(folder), {Sampler: sampler})
        times: list[float] = []
        cpu = time.process_time()
        for _ in range(args.scrapes):
            begun = time.monotonic()
            metrics.render(host)
            times.append((time.monotonic() - begun) * 1000)
        cpu = (time.process_time() - cpu) * 1000 / args.scrapes
    step = "a sample and its text"
    return run.told([
        Line(step, "median", statistics.median(times), "ms"), Line(step, "CPU", cpu, "ms"),
    ])


def main() -> int:
    """Measure and show; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=int, default=200)
    parser.add_argument("--scrapes", type=int, default=50)
    parser.add_argument("--mode", default="eventlet", choices=("eventlet", "threading"))
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.servers)
        return 0
    lines = [*_over_http(args), *_inside(args)]
    return int(any(line.met is False for line in lines))


if __name__ == "__main__":
    sys.exit(main())
