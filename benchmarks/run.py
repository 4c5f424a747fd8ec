"""Measure a cloud and write the results beside the goals.

    python -m benchmarks.run [--quick] [--label TEXT] [-- MORE ARGUMENTS OF mycloud up]
"""

import argparse
import os
import platform
import sys
import time
from pathlib import Path

from benchmarks import per_boot, steps
from benchmarks.cloud import Cloud
from benchmarks.steps import Line

_RESULTS = Path(__file__).with_name("results.md")


def measure(options: list[str], *, quick: bool) -> list[Line]:
    """All steps, in an order in which each finds what it needs."""
    start_goal, memory_goal = (5.0, 500.0) if "--processes" in options else (3.0, 200.0)
    with Cloud(options) as cloud:
        lines = told(_starts(cloud, start_goal))
        lines += told(steps.boot_one_by_one(cloud, 10 if quick else 50))
        lines += told(steps.delete(cloud))
        lines += told(steps.boot_side_by_side(cloud, 40 if quick else 200))
        lines += told(steps.list_servers(cloud, goal_ms=40, goal_rate=50))
        lines += told(steps.show_server(cloud))
        lines += told(steps.tokens(cloud))
        if not quick:
            steps.boot_side_by_side(cloud, 800)
            lines += told(steps.list_servers(cloud, goal_ms=200, goal_rate=None))
        lines.append(Line("memory", "PSS after all that", cloud.memory_mib(), "MiB", memory_goal))
        lines += told(steps.delete(cloud))
    return lines


def _starts(cloud: Cloud, goal: float) -> list[Line]:
    (new, new_cpu), (cold, cold_cpu) = cloud.first_start, cloud.second_start
    return [
        Line("start", "new cloud to the first 200", new, "s"),
        Line("start", "CPU of that", new_cpu, "s"),
        Line("start", "cold start to the first 200", cold, "s", goal),
        Line("start", "CPU of that", cold_cpu, "s"),
    ]


def told(lines: list[Line]) -> list[Line]:
    """Print lines of the table, and give them."""
    for line in lines:
        print(_row(line), flush=True)
    return lines


def _row(line: Line) -> str:
    goal = ""
    if line.goal is not None:
        goal = f"{'≥' if line.more else '≤'} {line.goal:g} {line.unit}".strip()
    met = {None: "", True: "met", False: "**not met**"}[line.met]
    value = f"{line.value:.3g}" if line.value < 100 else f"{line.value:.0f}"
    return f"| {line.step} | {line.what} | {value} {line.unit} | {goal} | {met} |"


def _table(title: str, lines: list[Line], load: tuple[float, ...]) -> str:
    head = [
        f"## {title}",
        "",
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} CPUs, Python "
        f"{platform.python_version()}; load average {load[0]:.1f} before, "
        f"{os.getloadavg()[0]:.1f} after.",
        "",
        "| step | what | measured | goal | |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *map(_row, lines)]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, no file")
    parser.add_argument("--label", default="embedded, fake hypervisor", help="title of the table")
    parser.add_argument("up", nargs="*", help="more arguments of mycloud up")
    arguments = parser.parse_args()
    load = os.getloadavg()
    lines = measure(arguments.up, quick=arguments.quick)
    if "--processes" not in arguments.up:
        lines += told(per_boot.run())
    table = _table(arguments.label, lines, load)
    if arguments.quick:
        print(table)
        return
    kept = _RESULTS.read_text() if _RESULTS.exists() else "# Results\n"
    before, title, after = kept.partition(f"## {arguments.label}\n")
    if title:
        _, more, rest = after.partition("\n## ")
        kept = before.rstrip("\n") + "\n" + (f"\n## {rest}" if more else "")
    _RESULTS.write_text(f"{kept.rstrip()}\n\n{table}")
    if not all(line.met is not False for line in lines):
        print("Some goals are not met.", file=sys.stderr)


if __name__ == "__main__":
    main()
