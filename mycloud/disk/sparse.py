"""Giving back the room of zeros."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

from mycloud.common import concurrency

_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]


def dig(path: Path) -> None:
    """Give back what a file has reserved and nobody has written: QEMU reserves room for zeros
    that it copies. On block devices, and where a file system can't, nothing happens.
    """
    concurrency.run_native(_dig, path)


def _dig(path: Path) -> None:
    if not path.is_file():
        return
    with path.open("r+b") as file:
        descriptor, size, position = file.fileno(), path.stat().st_size, 0
        while position < size:
            hole = os.lseek(descriptor, position, os.SEEK_HOLE)
            try:
                position = os.lseek(descriptor, hole, os.SEEK_DATA)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                position = size
            if position > hole and _LIBC.fallocate(
                descriptor, _KEEP_SIZE | _PUNCH_HOLE, hole, position - hole
            ):
                return
