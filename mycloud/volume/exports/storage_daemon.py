"""A ``qemu-storage-daemon`` of its own for one export.

It runs in a session of its own and outlives whoever started it. Nothing of it is told in its
command line but its own files; disks, names and secrets are given over its monitors. There are
two, since each serves one connection: one for short questions, one for jobs.

There is no parent that reaps for it (see compute's ``reaper``): that would take more memory than
the daemon, and who asks whether it lives knows zombies.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from oslo_concurrency import processutils

from mycloud.disk import processes
from mycloud.disk.qmp import Monitor, QmpLost, QmpRefused
from mycloud.volume.drivers.base import Source

PROGRAM = "qemu-storage-daemon"
DISK = "disk"
_CONTROL, _JOBS = "control", "jobs"
_START_SECONDS = 30
_END_SECONDS = 3


class StorageDaemon:
    """The daemon whose files lie in a directory; any number of these may speak of the same."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pid_file = directory / "pid"

    def pid(self) -> int | None:
        """Of the process, if it runs: what bears the number now may be another export's."""
        pid = processes.running(self._pid_file, PROGRAM)
        if pid is None or str(self._pid_file) not in processes.command_line(pid):
            return None
        return pid

    def start(self) -> None:
        """Start it, without any disk. Its monitors can be connected to when this returns.

        :raises processutils.ProcessExecutionError: :raises OSError: it is not installed
        """
        monitors = []
        for name in (_CONTROL, _JOBS):
            monitors += [
                # by its bare name, in the directory that it starts in: a path may be too long
                "--chardev", f"socket,id={name},path={name}.sock,server=on,wait=off",
                "--monitor", f"chardev={name}",
            ]
        path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
        processutils.execute(
            "timeout", "--kill-after=3", str(_START_SECONDS),
            PROGRAM, "--daemonize", "--pidfile", str(self._pid_file), *monitors,
            cwd=str(self._directory), env_variables={**os.environ, "PATH": path, "LC_ALL": "C"},
        )

    def control(self, seconds: float = 5) -> Monitor:
        """:raises QmpLost: it does not run, or does not answer"""
        return Monitor(self._directory / f"{_CONTROL}.sock", seconds=seconds)

    def jobs(self, seconds: float = 5) -> Monitor:
        """For what takes long.  :raises QmpLost: so, or another job's owner is connected"""
        return Monitor(self._directory / f"{_JOBS}.sock", seconds=seconds)

    def end(self) -> bool:
        """End it, whatever state it is in; False if even a kill has not ended it yet."""
        pid = self.pid()
        if pid is None:
            processes.wait_dying(self._pid_file, _END_SECONDS)
            return True
        try:
            with self.control(seconds=2) as monitor:
                monitor.execute("quit")
            if processes.wait_gone(pid, _END_SECONDS):
                return True
        except (QmpLost, QmpRefused):
            pass  # it hangs, or is only half there
        processes.end(pid, _END_SECONDS)
        return not processes.alive(pid)


def add_disk(monitor: Monitor, source: Source, *, node: str = DISK, read_only: bool) -> None:
    """Open a file or block device; it is not opened by anything else that QEMU can't share with.

    The page cache is used, and a flush goes through to the disk.

    :raises QmpRefused: :raises QmpLost:
    """
    is_device = source.path.exists() and stat.S_ISBLK(source.path.stat().st_mode)
    common: dict[str, Any] = {
        "read_only": read_only,
        "auto_read_only": False,
        "discard": "unmap",
        "cache": {"direct": False, "no-flush": False},
    }
    monitor.execute(
        "blockdev-add", driver="host_device" if is_device else "file", filename=str(source.path),
        node_name=f"{node}-file", aio="threads", **common,
    )
    monitor.execute(
        "blockdev-add", driver=source.format, file=f"{node}-file", node_name=node, **common
    )


def drop_disk(monitor: Monitor, *, node: str) -> None:
    """Close what ``add_disk`` opened, as far as it is there.  :raises QmpLost:"""
    for name in (node, f"{node}-file"):
        try:
            monitor.execute("blockdev-del", node_name=name)
        except QmpRefused:
            pass  # there is none
