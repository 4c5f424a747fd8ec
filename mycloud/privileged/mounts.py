"""What is mounted, and the system calls that change it."""

from __future__ import annotations

import ctypes
import dataclasses
import os
import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")

READ_ONLY, NO_SUID, NO_DEVICES, REMOUNT, BIND = 1, 2, 4, 32, 4096
_NO_FOLLOW = 8

_libc = ctypes.CDLL(None, use_errno=True)


@dataclasses.dataclass(frozen=True)
class Mount:
    """One line of mountinfo.

    :ivar source: as whoever mounted it has called it
    :ivar options: of the mount and of the file system
    """

    point: str
    kind: str
    source: str
    options: frozenset[str]


def at(point: str) -> Mount | None:
    """What is mounted exactly there, the last if there are several."""
    return find(point, _MOUNTS.read_text())


def find(point: str, mountinfo: str) -> Mount | None:
    """The same.

    :param mountinfo: what /proc/self/mountinfo says
    """
    found = None
    for line in mountinfo.splitlines():
        # id, parent, device, root, point, options, optional fields ... "-", kind, source, options
        front, _, back = line.partition(" - ")
        head, tail = front.split(" "), back.split(" ")
        if len(head) < 6 or len(tail) < 2 or _plain(head[4]) != point:
            continue
        options = {*head[5].split(","), *(tail[2].split(",") if len(tail) > 2 else ())}
        found = Mount(point, tail[0], _plain(tail[1]), frozenset(options))
    return found


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2).  :raises OSError:"""
    _check(_libc.mount(
        source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags),
        data.encode() or None,
    ), target)


def unmount(target: str) -> None:
    """umount2(2); a link as the last part of the path is not followed.  :raises OSError:"""
    _check(_libc.umount2(target.encode(), _NO_FOLLOW), target)


def _check(status: int, target: str) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def _plain(word: str) -> str:
    """Spaces, tabs, line ends and backslashes are written as octal numbers."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), word)
