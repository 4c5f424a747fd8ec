"""Reads the bytes of a volume that nobody writes to, without its holes."""

from __future__ import annotations

import bisect
import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mycloud.common import concurrency
from mycloud.disk import qemu_img, sparse
from mycloud.volume import images
from mycloud.volume.drivers.base import Source

_RAW = "raw"


class DiskReader:
    """The bytes of a disk as a guest sees them. Everything here blocks.

    :param extents: (first byte, bytes, their place in the file), rising; None: the file is the
        disk itself
    """

    def __init__(
        self, file: BinaryIO, size: int, extents: list[tuple[int, int, int]] | None = None
    ) -> None:
        self.size = size
        self._fd = file.fileno()
        self._extents = extents

    def next_data(self, at: int) -> int | None:
        """The first byte from ``at`` on that is not in a hole; None if there is none."""
        if at >= self.size:
            return None
        if self._extents is None:
            return self._next_in_file(at)
        place = self._first(at)
        return max(at, self._extents[place][0]) if place < len(self._extents) else None

    def read(self, start: int, length: int) -> bytes:
        """Exactly these bytes, which lie in the disk.

        :raises OSError: it became shorter meanwhile, or can't be read
        """
        if self._extents is None:
            found = self._pread(length, start)
            if len(found) < length:
                raise OSError(errno.EIO, "it became shorter while it was read")
            return found
        buffer, end = bytearray(length), start + length
        place = self._first(start)
        while place < len(self._extents) and self._extents[place][0] < end:
            begin, size, offset = self._extents[place]
            first, last = max(begin, start), min(begin + size, end)
            # what a file does not reach reads as zeros
            found = self._pread(last - first, offset + first - begin)
            buffer[first - start:first - start + len(found)] = found
            place += 1
        return bytes(buffer)

    def _first(self, at: int) -> int:
        """Which extent is the first that ends behind ``at``."""
        assert self._extents is not None
        place = max(0, bisect.bisect_right(self._extents, at, key=lambda each: each[0]) - 1)
        if place < len(self._extents) and sum(self._extents[place][:2]) <= at:
            place += 1
        return place

    def _next_in_file(self, at: int) -> int | None:
        try:
            return os.lseek(self._fd, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return None
            if error.errno != errno.EINVAL:
                raise
            # a block device, for one: it knows of no holes
            return at

    def _pread(self, length: int, place: int) -> bytes:
        parts = []
        while length and (part := os.pread(self._fd, length, place)):
            parts.append(part)
            length -= len(part)
            place += len(part)
        return b"".join(parts)


@contextlib.contextmanager
def opened(source: Source, state_dir: Path) -> Iterator[DiskReader]:
    """Read a volume or a snapshot to which nobody writes meanwhile.

    :param state_dir: of the backend: for a copy, where the bytes do not simply lie in the file
    :raises OSError: :raises processutils.ProcessExecutionError: :raises DiskFull:
    """
    if source.format == _RAW:
        with source.path.open("rb") as file:
            yield DiskReader(file, concurrency.run_native(file.seek, 0, os.SEEK_END))
        return
    size = qemu_img.virtual_size(source.path, source.format)
    extents = qemu_img.extents(source.path, source.format)
    if extents is not None:
        with source.path.open("rb") as file:
            yield DiskReader(file, size, extents)
        return
    with images.temporary(state_dir) as copy:
        concurrency.run_native(sparse.create, copy, 0)
        qemu_img.convert_to_raw(source.path, source.format, copy, size)
        with copy.open("rb") as file:
            yield DiskReader(file, size)
