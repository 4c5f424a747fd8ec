"""Which files of a directory are volumes and snapshots, and of what format: told by their names.

``volume-NAME``, ``snapshot-VOLUME.NAME``: raw; with ``.qcow2`` at the end: that. What begins with
a dot is not whole: ``.begun-...`` is a snapshot that somebody else writes, ``.part-OWNER-...``
belongs to one backend on one host, for directories can be shared.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path

from mycloud.volume.drivers.base import Source

RAW, QCOW2 = "raw", "qcow2"
VOLUME, SNAPSHOT = "volume", "snapshot"

_BEGUN, _PART = ".begun-", ".part-"
_UNMANAGED = "unmanaged-"
_UNMANAGED_SNAPSHOT = f"{_UNMANAGED}snapshot-"
_SUFFIXES = {RAW: "", QCOW2: ".qcow2"}
_WORD = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_SAFE = re.compile(rf"{_WORD}\Z")
_OURS = re.compile(
    rf"(?:volume-(?P<volume>{_WORD})|snapshot-(?P<of>{_WORD})\.(?P<snapshot>{_WORD}))"
    r"(?P<suffix>\.qcow2)?\Z"
)
_WAS_SNAPSHOT = re.compile(
    rf"{_UNMANAGED_SNAPSHOT}(?P<of>{_WORD})\.(?P<snapshot>{_WORD})(?:\.qcow2)?\Z"
)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A volume, or a snapshot if it has that name."""

    path: Path
    format: str
    volume: str
    snapshot: str | None = None


class Layout:
    """The files of one directory. Everything that looks into it blocks."""

    def __init__(self, directory: Path, owner: str) -> None:
        self.directory = directory
        self._owner = owner

    def volume_path(self, name: str, disk_format: str) -> Path:
        """:raises ValueError: the name could lead elsewhere"""
        return self.directory / f"{VOLUME}-{checked(name)}{_SUFFIXES[disk_format]}"

    def snapshot_path(self, name: str, snapshot: str, disk_format: str) -> Path:
        """:raises ValueError: a name could lead elsewhere"""
        ending = _SUFFIXES[disk_format]
        return self.directory / f"{SNAPSHOT}-{checked(name)}.{checked(snapshot)}{ending}"

    def begun_path(self, name: str, snapshot: str, disk_format: str) -> Path:
        """Where a snapshot is that somebody else is writing."""
        path = self.snapshot_path(name, snapshot, disk_format)
        return path.with_name(f"{_BEGUN}{path.name}")

    def unmanaged_path(self, name: str, disk_format: str) -> Path:
        return self.directory / f"{_UNMANAGED}{checked(name)}{_SUFFIXES[disk_format]}"

    def part_path(self, name: str, fresh_id: str) -> Path:
        """Where something is made that will be called ``name``."""
        return self.directory / f"{_PART}{self._owner}-{name}-{fresh_id}"

    def volume(self, name: str) -> Source | None:
        """The volume, if it is there."""
        return _first(self.volume_path(name, each) for each in _SUFFIXES)

    def snapshot(self, name: str, snapshot: str) -> Source | None:
        return _first(self.snapshot_path(name, snapshot, each) for each in _SUFFIXES)

    def begun(self, name: str, snapshot: str) -> Source | None:
        return _first(self.begun_path(name, snapshot, each) for each in _SUFFIXES)

    def unmanaged_snapshot_path(self, name: str, snapshot: str, disk_format: str) -> Path:
        ending = _SUFFIXES[disk_format]
        return self.directory / (
            f"{_UNMANAGED_SNAPSHOT}{checked(name)}.{checked(snapshot)}{ending}"
        )

    def former(self, path: Path) -> tuple[str | None, str | None]:
        """Of a file that was a snapshot: the volume that it belongs to, and its own name; of one
        that was a volume: None, and its name."""
        match = _WAS_SNAPSHOT.match(path.name)
        if match is not None:
            return match["of"], match["snapshot"]
        if path.name.startswith(_UNMANAGED):
            return None, path.name.removeprefix(_UNMANAGED).removesuffix(_SUFFIXES[QCOW2])
        return None, None

    def unmanaged_snapshot(self, name: str, snapshot: str) -> Source | None:
        return _first(self.unmanaged_snapshot_path(name, snapshot, each) for each in _SUFFIXES)

    def unmanaged(self, name: str) -> Source | None:
        return _first(self.unmanaged_path(name, each) for each in _SUFFIXES)

    def entries(self) -> list[Entry]:
        """Every volume and snapshot, by the names of their files."""
        found = []
        for name in self._names():
            match = _OURS.match(name)
            if match is not None:
                disk_format = QCOW2 if match["suffix"] else RAW
                found.append(
                    Entry(
                        self.directory / name, disk_format, match["volume"] or match["of"],
                        match["snapshot"],
                    )
                )
        return found

    def sizes(self) -> Iterator[int]:
        """Bytes of every file of a volume or a snapshot; quick where there are many."""
        with os.scandir(self.directory) as found:
            for each in found:
                if self.is_ours(each.name):
                    # one may go meanwhile
                    with contextlib.suppress(FileNotFoundError):
                        yield each.stat().st_size

    def is_ours(self, file_name: str) -> bool:
        """Whether a file of that name is a volume or a snapshot."""
        return _OURS.match(file_name) is not None

    def strangers(self) -> list[Path]:
        """What is no volume of ours and could become one: files, and nothing that leads to
        another place."""
        return [
            path
            for name in self._names()
            if not name.startswith(".") and not self.is_ours(name)
            for path in [self.directory / name]
            if path.is_file() and not path.is_symlink()
        ]

    def parts(self) -> list[Path]:
        """What this backend on this host has half made."""
        mine = f"{_PART}{self._owner}-"
        return [self.directory / name for name in self._names() if name.startswith(mine)]

    def _names(self) -> list[str]:
        return sorted(os.listdir(self.directory))


def checked(name: str) -> str:
    """:raises ValueError: it can't be a part of a file's name, or would lead elsewhere"""
    if not _SAFE.match(name):
        raise ValueError(f"{name!r} can't be the name of a volume or a snapshot")
    return name


def _first(paths: Iterator[Path]) -> Source | None:
    for path, disk_format in zip(paths, _SUFFIXES, strict=True):
        if path.exists():
            return Source(path, disk_format)
    return None
