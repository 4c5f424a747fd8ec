"""The files of images.

One upload, one file: ``<image>.<upload>.part`` while its bytes come in, ``<image>.<upload>``
once they are whole and on the disk. Which of them counts says the image's row; what no row
names is rubbish. Whoever writes a part holds a lock on it, so a part without a lock is dead.
"""

import contextlib
import datetime
import errno
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from oslo_config import cfg

from mycloud.common import clock, concurrency, exceptions

_PART = ".part"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A file of the store."""

    image_id: str
    upload_id: str
    path: Path
    partial: bool


def directory() -> Path:
    return Path(cfg.CONF.state_path) / "images"


def path(image_id: str, upload_id: str) -> Path:
    """The file that holds an image's bytes, whether it is there or not."""
    return directory() / f"{image_id}.{upload_id}"


def inbox(image_id: str) -> Path:
    """The file in which a host on this machine leaves data for an image, before it is taken."""
    return directory() / "inbox" / image_id


def brought() -> list[str]:
    """The images for which hosts have left data."""
    with contextlib.suppress(FileNotFoundError):
        return [path.name for path in inbox("any").parent.iterdir()]
    return []


def take_from_inbox(image_id: str) -> Iterator[bytes]:
    """What a host has left there, in blocks.

    :raises FileNotFoundError: when it has left nothing
    """
    with inbox(image_id).open("rb") as file:
        while block := concurrency.run_native(file.read, _BLOCK):
            yield block


class Part:
    """The bytes of an upload under way. Use it in a ``with`` block: what was not kept by the end
    of the block is gone."""

    def __init__(self, image_id: str, upload_id: str):
        self._final = path(image_id, upload_id)
        self._path = self._final.with_name(self._final.name + _PART)
        self._file: BinaryIO | None = None

    def __enter__(self) -> "Part":
        directory().mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("xb", buffering=0)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._file is not None
        self._path.unlink(missing_ok=True)
        self._file.close()

    def write(self, block: bytes) -> None:
        """:raises DiskFull: when the store has no room"""
        assert self._file is not None
        rest = memoryview(block)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise _full(len(block)) from error

    def keep(self) -> None:
        """Make the bytes durable, and then the image's file."""
        assert self._file is not None
        # fsync may take seconds
        concurrency.run_native(os.fsync, self._file.fileno())
        self._path.rename(self._final)
        concurrency.run_native(_sync_directory)


def _sync_directory() -> None:
    handle = os.open(directory(), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _full(needed: int) -> exceptions.DiskFull:
    stat = os.statvfs(directory())
    return exceptions.DiskFull(
        "The image store has no room for the data: "
        f"{stat.f_bavail * stat.f_frsize >> 20} MiB are free. Delete images that nobody needs.",
        needed=needed,
    )


def check_room(needed: int) -> None:
    """:raises DiskFull: when that many bytes do not fit"""
    directory().mkdir(parents=True, exist_ok=True)
    stat = os.statvfs(directory())
    if needed > stat.f_bavail * stat.f_frsize:
        raise _full(needed)


def remove(image_id: str, upload_id: str | None) -> None:
    """Remove an image's file, if there is one."""
    if upload_id is not None:
        path(image_id, upload_id).unlink(missing_ok=True)


def entries() -> list[Entry]:
    """All files of the store."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for each in directory().iterdir():
            image_id, dot, upload_id = each.name.removesuffix(_PART).partition(".")
            if dot:
                found.append(Entry(image_id, upload_id, each, each.name.endswith(_PART)))
    return found


def remove_if_dead(entry: Entry, min_age: datetime.timedelta) -> bool:
    """Remove a part that nobody writes any more; whether it was one.

    :param min_age: a younger one stays: whoever made it may not have locked it yet
    """
    try:
        file = entry.path.open("rb")
    except FileNotFoundError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        written = datetime.datetime.fromtimestamp(
            os.fstat(file.fileno()).st_mtime, datetime.UTC
        ).replace(tzinfo=None)
        if clock.now() - written < min_age:
            return False
        entry.path.unlink(missing_ok=True)
    return True
