"""Make one disk equal to another where they differ. Everything here blocks: call it by
``concurrency.run_native``.
"""

from __future__ import annotations

import os
from pathlib import Path

_CHUNK = 1 << 20
_BLOCK = 4096


def copy_differences(source: Path, target: Path, length: int) -> None:
    """Let a raw disk begin with ``length`` bytes of another one; what is equal already is not
    written, so that a snapshot of the target need not keep it.

    :raises OSError: also if one of them is too short
    """
    with source.open("rb", buffering=0) as old, target.open("r+b", buffering=0) as new:
        for start in range(0, length, _CHUNK):
            size = min(_CHUNK, length - start)
            wanted = _read(old.fileno(), start, size)
            found = _read(new.fileno(), start, size)
            if wanted != found:
                _write_differences(new.fileno(), start, wanted, found)
        os.fsync(new.fileno())


def _write_differences(fd: int, start: int, wanted: bytes, found: bytes) -> None:
    for at in range(0, len(wanted), _BLOCK):
        block = memoryview(wanted)[at : at + _BLOCK]
        if block != memoryview(found)[at : at + _BLOCK]:
            while block:
                done = os.pwrite(fd, block, start + at)
                at, block = at + done, block[done:]


def _read(fd: int, start: int, size: int) -> bytes:
    parts = []
    while size:
        part = os.pread(fd, size, start)
        if not part:
            raise OSError(5, "it is shorter than what it is copied to or from")
        parts.append(part)
        start, size = start + len(part), size - len(part)
    return b"".join(parts)
