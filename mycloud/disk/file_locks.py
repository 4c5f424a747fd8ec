"""Locks on files as QEMU takes them: of an open file, seen by every process, on NFS by every host.

``held`` and ``take`` block on a slow server: call them by ``concurrency.run_native``.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from pathlib import Path

from oslo_concurrency import processutils

from mycloud.common import concurrency

#: struct flock: type, whence, start, length (0: to the end), pid (0: of an open file)
_FLOCK = "hhqqi4x"
#: what another process does: take the lock, and say what came of it
_TRY = f"""
import fcntl, os, struct, sys
lock = struct.pack({_FLOCK!r}, fcntl.F_WRLCK, 0, 0, 0, 0)
try:
    fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_OFD_SETLK, lock)
    print("free")
except BlockingIOError:
    print("held")
except OSError as error:
    print(error.strerror)
"""


def held(path: Path) -> bool:
    """Whether somebody has locked the file or a part of it, as QEMU does with a disk it uses; also
    False where the file system knows no locks."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        question = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = fcntl.fcntl(file, fcntl.F_OFD_GETLK, question)
    except OSError:
        return False
    finally:
        os.close(file)
    kind: int = struct.unpack(_FLOCK, answer)[0]
    return kind != fcntl.F_UNLCK


def take(file: int) -> None:
    """Lock an open file as a whole.

    :raises BlockingIOError: somebody else has locked it
    :raises OSError: the file system knows no locks
    """
    fcntl.fcntl(
        file, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    )


def why_none(path: Path) -> str | None:
    """Try whether two processes see each other's locks on a file; why not, None if they do."""
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        for expected, wrong in (("free", "a free file"), ("held", "a locked file")):
            if expected == "held":
                concurrency.run_native(take, file)
            told, _ = processutils.execute(sys.executable, "-I", "-S", "-c", _TRY, str(path))
            if told.strip() != expected:
                return f"another process finds {wrong} {told.strip()}"
    except OSError as error:
        return f"a file can't be locked: {error.strerror}"
    finally:
        os.close(file)
    return None
