"""Whether two processes see the same files.

A volume lies at a path of the volume service. A compute host may be given that path only if the
same file is there for it too: on this machine, and not behind a root or a mount of its own. A
host name says nothing of that (several hosts may run on one machine, each with a file system of
its own), nor does the inode of some directory (numbers repeat between machines).

So a process describes its view by a *mark*: which boot of which kernel it runs under, which mount
namespace and which root directory it has, and who it is. Under the same boot, equal namespace
and root are the same view. Where only those differ (a service manager gives each service a mount
namespace to protect the system) the file itself is looked at through the other's eyes, by
``/proc/PID/root``, and must be the very same one. Whatever can't be told is no.
"""

from __future__ import annotations

import os
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PARTS = 5


def mark() -> str:
    """How this process sees files, for ``sees`` in another; it holds no secret."""
    return ":".join((_boot(), _inode("/proc/self/ns/mnt"), _inode("/"), *_who(os.getpid())))


def sees(other: object, path: Path) -> bool:
    """Whether the process with that mark, if it is one, sees this one's file at the same path.

    True also where neither sees a file, if their views are the same.
    """
    theirs = other.split(":") if isinstance(other, str) else []
    mine = mark().split(":")
    if len(theirs) != _PARTS or theirs[0] != mine[0]:
        return False
    if theirs[:3] == mine[:3]:
        return True
    pid, started = theirs[3:]
    try:
        if not pid.isascii() or not pid.isdigit() or _who(int(pid)) != (pid, started):
            return False  # it has ended, or we have other numbers for processes
        theirs_of = Path(f"/proc/{pid}/root")
        return _plain(path) and _plain(path, below=theirs_of) and (
            _inode(f"{theirs_of}{path}") == _inode(str(path))
        )
    except OSError:
        return False


def _plain(path: Path, *, below: Path = Path("/")) -> bool:
    """Whether no link is on the way: an absolute one would lead from their view back into ours."""
    return path.is_absolute() and not any(
        (below / str(each).lstrip("/")).is_symlink() for each in (path, *path.parents)
        if str(each) != "/"
    )


def _boot() -> str:
    return _BOOT_ID.read_text().strip()


def _inode(path: str) -> str:
    found = os.stat(path)
    return f"{found.st_dev}-{found.st_ino}"


def _who(pid: int) -> tuple[str, str]:
    """The process's number, and when it was started: numbers come again."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return str(pid), stat.rpartition(")")[2].split()[19]
