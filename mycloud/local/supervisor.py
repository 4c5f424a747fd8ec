"""The processes of a cloud on this machine: started in the background, found by pid files."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mycloud.disk import processes
from mycloud.local.layout import Layout
from mycloud.local.settings import Settings

#: Seconds for draining, beyond what the services themselves allow.
_STOP_SECONDS = 45


@dataclasses.dataclass(frozen=True)
class Process:
    """One program to run; ``name`` is that of its pid file and log.

    Those of a higher ``tier`` need those of a lower one, and end before them.
    """

    name: str
    module: str
    config: Path
    tier: int = 0

    def command(self, layout: Layout) -> list[str]:
        return [
            sys.executable, "-m", self.module,
            "--config-file", str(self.config),
            "--config-dir", str(layout.config_dir),
            "--log-file", str(self.log(layout)),
        ]

    def log(self, layout: Layout) -> Path:
        return layout.logs / f"{self.name}.log"

    def pid(self, layout: Layout) -> int | None:
        """Its pid if it runs. A pid alone proves nothing: the command line is looked at."""
        try:
            pid = int(layout.pid_file(self.name).read_text())
        except (FileNotFoundError, ValueError):
            return None
        if not processes.alive(pid):
            return None
        words = processes.command_line(pid)
        return pid if self.module in words and str(self.config) in words else None


def wanted(layout: Layout, settings: Settings) -> list[Process]:
    """The processes of the cloud, in the order in which they start."""
    if not settings.processes:
        return [Process("mycloud-all", "mycloud.cmd.all", layout.config)]
    control = [
        Process(f"mycloud-{name}", f"mycloud.cmd.{name}", layout.config, tier)
        for name, tier in (("conductor", 0), ("scheduler", 1), ("api", 1))
    ]
    volume = Process("mycloud-volume", "mycloud.cmd.volume", layout.volume_config, 1)
    return [*control, volume, *(compute(layout, host) for host in settings.hosts)]


def compute(layout: Layout, host: str) -> Process:
    """The process of a compute host."""
    return Process(
        f"mycloud-compute-{host}", "mycloud.cmd.compute", layout.compute_config(host), 2
    )


def start(layout: Layout, process: Process) -> int:
    """Start it in the background, detached from this terminal; returns its pid."""
    with process.log(layout).open("ab") as log:
        child = subprocess.Popen(
            process.command(layout),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    fresh = layout.pid_file(process.name).with_suffix(".new")
    fresh.write_text(f"{child.pid}\n")
    fresh.replace(layout.pid_file(process.name))
    return child.pid


def stop(layout: Layout, wanted: Sequence[Process]) -> list[str]:
    """Ask them to end, kill what does not; returns the names of those that had run."""
    ended = []
    for tier in sorted({process.tier for process in wanted}, reverse=True):
        group = [process for process in wanted if process.tier == tier]
        pids = {process.name: process.pid(layout) for process in group}
        for pid in pids.values():
            if pid is not None:
                _ask_to_end(pid)
        for process in group:
            pid = pids[process.name]
            if pid is not None:
                if not processes.wait_gone(pid, _STOP_SECONDS):
                    processes.end(pid, 1)
                _reap(pid)
                ended.append(process.name)
            layout.pid_file(process.name).unlink(missing_ok=True)
    return ended


def _ask_to_end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass  # it has just ended


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass  # it was started by another run of the command


def last_words(layout: Layout, process: Process) -> list[str]:
    """The end of the log of a process that has ended by itself."""
    try:
        return process.log(layout).read_text(errors="replace").strip().splitlines()[-5:]
    except FileNotFoundError:
        return []
