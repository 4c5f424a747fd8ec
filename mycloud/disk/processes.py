"""Daemons that are known by their pid file.

A pid alone proves nothing: it may be a zombie's, or another program's by now.  So the state
in /proc and the command line are looked at too.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from mycloud.common import clock, concurrency

_POLL_SECONDS = 0.02
#: How often a process that is about to become another program is looked at again.
_LOOKS = 5
#: PF_KTHREAD of the flags in /proc/PID/stat, their 9th field: a thread of the kernel's own.
_KERNEL_THREAD = 0x00200000


def alive(pid: int) -> bool:
    """Whether the process exists and has not ended (a zombie has ended).

    One that was killed lives until the last of its threads has let go of its files and sockets.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        threads = os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return len(threads) > 1 or stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def command_line(pid: int) -> list[str]:
    """The words that the process was started with; empty if it is gone."""
    for _ in range(_LOOKS):
        try:
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return []
        if raw or not alive(pid) or _of_kernel(pid):
            return [os.fsdecode(word) for word in raw.split(b"\0") if word]
        # it has none for a moment while the kernel loads its program
        concurrency.sleep(_POLL_SECONDS)
    return []


def _of_kernel(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return bool(int(stat.rpartition(")")[2].split()[6]) & _KERNEL_THREAD)


def age(pid: int) -> float:
    """Seconds since the process was started; 0 if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # the 22nd field: clock ticks since the machine's boot
    began = int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return max(0.0, float(Path("/proc/uptime").read_text().split()[0]) - began)


def owner(pid: int) -> int | None:
    """Id of the user whose process it is; None if it is gone."""
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except FileNotFoundError:
        return None


def running(pid_file: Path, program: str) -> int | None:
    """The pid in the file if it is a live process of that program, else None."""
    try:
        pid = int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    if not alive(pid):
        return None
    words = command_line(pid)
    return pid if words and Path(words[0]).name.startswith(program) else None


def wait_dying(pid_file: Path, seconds: float) -> None:
    """Wait, so long at most, if the process in the file was killed and has not let go of all that
    it held: it is nobody's any more, and whoever needs that must wait."""
    try:
        pid = int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return
    if not command_line(pid):
        wait_gone(pid, seconds)


def end(pid: int, seconds: float) -> None:
    """Ask the process to end, and kill it if it has not after that many seconds."""
    for sign, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, seconds)):
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            return
        if wait_gone(pid, patience):
            return


def wait_gone(pid: int, seconds: float) -> bool:
    """Wait for the process to end; False if it still lives after that many seconds."""
    deadline = clock.monotonic() + seconds
    while alive(pid):
        if clock.monotonic() > deadline:
            return False
        concurrency.sleep(_POLL_SECONDS)
    return True
