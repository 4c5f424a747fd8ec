"""What a call of the root helper costs: ``python -m benchmarks.privileged``, as root.

The helper is the real program on a state directory of its own. Callers are processes of their own,
as services are; ``helper_ping`` does nothing, so what is measured is the way there and back, with
the log of each call written to a file.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mycloud.privileged import client

_CALLS = 4000
_SECONDS = 3.0
_LINE = "| {:<44} | {:>12} | {:<10} | {:<11} |"


def alone() -> list[float]:
    """Milliseconds of each of many calls, one after another."""
    times = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        client.call.helper_ping()
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)


def caller(state: str) -> None:
    """Call for some seconds; print how often."""
    client.configure(state)
    client.call.helper_ping()
    count, until = 0, time.monotonic() + _SECONDS
    while time.monotonic() < until:
        client.call.helper_ping()
        count += 1
    print(count)


def together(state: Path, processes: int) -> float:
    """Calls a second of so many callers."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.privileged", "--caller", str(state)],
            stdout=subprocess.PIPE, text=True,
        )
        for _ in range(processes)
    ]
    return sum(int(each.communicate()[0]) for each in started) / _SECONDS


def memory(pid: int) -> tuple[float, float]:
    """MiB: resident, and its share of them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
    return found["Rss"], found["Pss"]


def cpu(pid: int) -> float:
    """Seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def judged(what: str, value: str, goal: str, met: bool) -> None:
    print(_LINE.format(what, value, goal, "met" if met else "**not met**"))


def run(state: Path) -> None:
    log = (state / "log").open("w")
    helper = subprocess.Popen(
        [
            sys.executable, "-m", "mycloud.privileged.program", "--state", str(state),
            "--user", "root",
        ],
        stderr=log,
    )
    try:
        client.configure(state)
        client.call.helper_ping()
        rss, pss = memory(helper.pid)
        judged("memory at the start, resident", f"{rss:.1f} MiB", "< 25 MiB", rss < 25)
        times = alone()
        median = statistics.median(times)
        judged("round trip, median", f"{median:.3f} ms", "< 0.5 ms", median < 0.5)
        print(_LINE.format("round trip, 95 %", f"{times[int(_CALLS * 0.95)]:.3f} ms", "", ""))
        before = cpu(helper.pid)
        for processes in (1, 2, 4):
            rate = together(state, processes)
            judged(f"rate, {processes} callers", f"{rate:.0f} /s", "> 3000 /s", rate > 3000)
        total = (state / "log").read_text().count(" helper_ping returned ") - _CALLS
        each = (cpu(helper.pid) - before) / total * 1000
        print(_LINE.format("CPU of the helper for each call", f"{each:.3f} ms", "", ""))
        rss, pss = memory(helper.pid)
        judged("memory after all that, resident", f"{rss:.1f} MiB", "< 25 MiB", rss < 25)
        print(_LINE.format("memory after all that, PSS", f"{pss:.1f} MiB", "", ""))
    finally:
        helper.terminate()
        helper.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--caller", metavar="DIR", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.caller:
        caller(args.caller)
        return 0
    with tempfile.TemporaryDirectory(prefix="mycloud-bench-") as folder:
        print(f"load {os.getloadavg()[0]:.1f} before")
        run(Path(folder))
        print(f"load {os.getloadavg()[0]:.1f} after")
    return 0


if __name__ == "__main__":
    sys.exit(main())
