"""Files with holes: made, copied and put in place.

Everything here but ``dig`` blocks: call it by ``concurrency.run_native``.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from mycloud.common import concurrency

_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
#: _IOW(0x94, 9, int)
_FICLONE = 0x40049409
_CHUNK = 8 << 20
#: what is looked at as a whole when zeros become holes
_BLOCK = 64 << 10
_NO_REFLINK = frozenset(
    {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM}
)


def create(path: Path, size: int) -> None:
    """A new file of one hole, for its owner only.  :raises FileExistsError:"""
    os.close(_open_new(path, size))


def copy(source: Path, target: Path, *, find_zeros: bool = False) -> None:
    """Copy a file, or a block device, to a new file: as a reflink where the file system can (then
    the copy is that of one moment), else the data without the holes.

    :param find_zeros: let zeros become holes, too
    :raises FileExistsError:
    """
    with source.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        fresh = _open_new(target, 0)
        try:
            if _reflink(file.fileno(), fresh):
                return
            os.ftruncate(fresh, size)
            for start, end in _data(file.fileno(), size):
                if find_zeros or not _copy_range(file.fileno(), fresh, start, end):
                    _copy_blocks(file.fileno(), fresh, start, end)
        finally:
            os.close(fresh)


def can_reflink(directory: Path, name: str) -> bool:
    """Whether a copy in this directory shares its blocks with the original, found out by one of
    a file called ``name``, and another."""
    paths = (directory / name, directory / f"{name}.copy")
    try:
        paths[0].write_bytes(bytes(range(256)) * 16)
        with paths[0].open("rb") as source, paths[1].open("wb") as target:
            return _reflink(source.fileno(), target.fileno())
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def publish(fresh: Path, path: Path) -> None:
    """Give a file that is whole its name, so that both outlive a power cut."""
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(fresh, path)
    flush_directory(path.parent)


def remove(path: Path) -> None:
    """Remove a file, lastingly; one that is not there is no error."""
    path.unlink(missing_ok=True)
    flush_directory(path.parent)


def grow(path: Path, size: int) -> None:
    """Let a file end with a hole up to ``size``; one that is as long already stays as it is."""
    with path.open("r+b") as file:
        if file.seek(0, os.SEEK_END) < size:
            file.truncate(size)
            os.fsync(file.fileno())


def dig(path: Path) -> None:
    """Give back what a file has reserved and nobody has written: QEMU reserves room for zeros
    that it copies. On block devices, and where a file system can't, nothing happens.
    """
    concurrency.run_native(_dig, path)


def data_end(path: Path) -> int:
    """Where the last data ends: what follows is a hole."""
    with path.open("rb") as file:
        ends = [end for _, end in _data(file.fileno(), file.seek(0, os.SEEK_END))]
    return max(ends, default=0)


def allocated(path: Path) -> int:
    """Bytes that a file takes on the storage."""
    return path.stat().st_blocks * 512


def free(directory: Path) -> int:
    """Bytes that this process may still write there."""
    stat = os.statvfs(directory)
    return stat.f_bavail * stat.f_frsize


def flush_directory(path: Path) -> None:
    """Let what was made, renamed and removed in a directory outlive a power cut."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


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


def _open_new(path: Path, size: int) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(fd, size)
    except OSError:
        os.close(fd)
        raise
    return fd


def _reflink(source: int, target: int) -> bool:
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _NO_REFLINK:
            return False
        raise
    return True


def _data(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Where data begins and ends."""
    at = 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
            end = os.lseek(fd, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            if error.errno != errno.EINVAL:
                raise
            # a block device, for one: it knows of no holes
            start, end = at, size
        yield start, min(end, size)
        at = end


def _copy_range(source: int, target: int, start: int, end: int) -> bool:
    """Let the kernel copy; False if it can't."""
    at = start
    while at < end:
        try:
            done = os.copy_file_range(source, target, min(_CHUNK, end - at), at, at)
        except OSError as error:
            if error.errno in _NO_REFLINK and at == start:
                return False
            raise
        if done == 0:
            raise OSError(errno.EIO, "it became shorter while it was copied")
        at += done
    return True


def _copy_blocks(source: int, target: int, start: int, end: int) -> None:
    zeros = bytes(_BLOCK)
    at = start
    while at < end:
        # aligned, so that a hole is a whole block of the file system
        block = os.pread(source, min(_BLOCK - at % _BLOCK, end - at), at)
        if not block:
            raise OSError(errno.EIO, "it became shorter while it was copied")
        if block != zeros[: len(block)]:
            view = memoryview(block)
            while view:
                done = os.pwrite(target, view, at + len(block) - len(view))
                view = view[done:]
        at += len(block)
