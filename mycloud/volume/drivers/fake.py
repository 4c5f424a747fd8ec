"""A storage backend for tests and for trying things out: as quick as a file is made.

Its volumes are files of one hole that hold what somebody wrote to them, so that whatever reads and
writes volumes works on them as on any other: they are copied, exported and backed up with their
bytes. What is make-believe is the capacity, and that a power cut would spare them. Nothing is kept
in memory.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from mycloud.common import concurrency, exceptions, faults
from mycloud.disk import sparse
from mycloud.volume.drivers.base import GIB, BackendSettings, Manageable, Pool, Source
from mycloud.volume.drivers.file import FileDriver
from mycloud.volume.drivers.layout import RAW, Layout

_MIB = 1 << 20
#: a text that was written ends before this
_TEXT_BYTES = 4096


class FakeDriver(FileDriver):
    """Volumes of ``fake_capacity_gb`` GiB in all, thick as far as anybody is told.

    Beyond the driver's promises it offers ``faults`` (see there) and, to play the guest,
    ``write``, ``read`` and ``read_snapshot``.
    """

    PROTOCOL: ClassVar[str] = "fake"

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        self._format = RAW
        told = settings.options.get("fake_capacity_gb")
        self._capacity = (1024 if told is None else int(told)) * GIB
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        self.faults = faults.FaultFile(settings.state_dir / "fault", self._fault)

    # -- what a guest does ----------------------------------------------------

    def write(self, name: str, content: str) -> None:
        """Write a text to the beginning of the volume.

        :raises VolumeNotOnBackend: :raises ValueError: the text is too long
        """
        data = content.encode(errors="surrogateescape") + b"\0"
        if len(data) > _TEXT_BYTES:
            raise ValueError(f"a text of {len(data)} bytes; at most {_TEXT_BYTES - 1} fit")
        with self._must(name).path.open("r+b") as file:
            file.write(data)

    def read(self, name: str) -> str:
        """The text at the beginning; "" if there is none.  :raises VolumeNotOnBackend:"""
        return _text(self._must(name).path)

    def read_snapshot(self, name: str, snapshot: str) -> str:
        """:raises VolumeNotOnBackend:"""
        return _text(self._must_snapshot(name, snapshot).path)

    # -- the driver's promises --------------------------------------------------

    def do_setup(self) -> None:
        self.faults.strike("do_setup", None)
        super().do_setup()

    def check_for_setup_error(self) -> None:
        self.faults.strike("check_for_setup_error", None)
        super().check_for_setup_error()

    def pools(self) -> list[Pool]:
        self.faults.strike("pools", None)
        return [
            dataclasses.replace(pool, thin=False, max_over_subscription_ratio=1.0)
            for pool in super().pools()
        ]

    def clean_temporary(self) -> list[str]:
        self.faults.strike("clean_temporary", None)
        return super().clean_temporary()

    def create(self, name: str, size_gb: int, *, pool: str | None = None) -> None:
        self.faults.strike("create", name)
        if self._volume(name) is None:
            self._room(f"volume {name}", size_gb * GIB)
        super().create(name, size_gb, pool=pool)

    def exists(self, name: str) -> bool:
        self.faults.strike("exists", name)
        return super().exists(name)

    def names(self) -> list[str]:
        self.faults.strike("names", None)
        return super().names()

    def size_gb(self, name: str) -> int:
        self.faults.strike("size_gb", name)
        return super().size_gb(name)

    def delete(self, name: str) -> None:
        self.faults.strike("delete", name)
        super().delete(name)

    def extend(self, name: str, size_gb: int) -> None:
        self.faults.strike("extend", name)
        self._room(f"volume {name}", size_gb * GIB - self._size(self._must(name)))
        super().extend(name, size_gb)

    def clone(self, source: str, name: str, size_gb: int) -> None:
        self.faults.strike("clone", name)
        self._room_for_copy(self._must(source), name, size_gb)
        super().clone(source, name, size_gb)

    def source(self, name: str) -> Source:
        self.faults.strike("source", name)
        return super().source(name)

    def snapshot(self, name: str, snapshot: str) -> None:
        self.faults.strike("snapshot", name)
        if self._snapshot(name, snapshot) is None:
            self._room(f"snapshot {snapshot}", self._size(self._must(name)))
        super().snapshot(name, snapshot)

    @property
    def atomic_snapshots(self) -> bool:
        # nobody writes to them while they are copied
        return True

    def begin_snapshot(self, name: str, snapshot: str) -> Source:
        self.faults.strike("begin_snapshot", name)
        self._room(f"snapshot {snapshot}", self._size(self._must(name)))
        return super().begin_snapshot(name, snapshot)

    def commit_snapshot(self, name: str, snapshot: str) -> None:
        self.faults.strike("commit_snapshot", name)
        super().commit_snapshot(name, snapshot)

    def snapshot_exists(self, name: str, snapshot: str) -> bool:
        self.faults.strike("snapshot_exists", name)
        return super().snapshot_exists(name, snapshot)

    def snapshot_names(self) -> list[str]:
        self.faults.strike("snapshot_names", None)
        return super().snapshot_names()

    def delete_snapshot(self, name: str, snapshot: str) -> None:
        self.faults.strike("delete_snapshot", name)
        super().delete_snapshot(name, snapshot)

    def create_from_snapshot(
        self, name: str, snapshot: str, new: str, size_gb: int
    ) -> None:
        self.faults.strike("create_from_snapshot", new)
        self._room_for_copy(self._must_snapshot(name, snapshot), new, size_gb)
        super().create_from_snapshot(name, snapshot, new, size_gb)

    def revert(self, name: str, snapshot: str) -> None:
        self.faults.strike("revert", name)
        super().revert(name, snapshot)

    def snapshot_source(self, name: str, snapshot: str) -> Source:
        self.faults.strike("snapshot_source", name)
        return super().snapshot_source(name, snapshot)

    def manageable(self) -> list[Manageable]:
        self.faults.strike("manageable", None)
        return super().manageable()

    def manage(self, reference: Mapping[str, str], name: str) -> int:
        self.faults.strike("manage", name)
        return super().manage(reference, name)

    def unmanage(self, name: str) -> None:
        self.faults.strike("unmanage", name)
        super().unmanage(name)

    def manage_snapshot(
        self, name: str, snapshot: str, reference: Mapping[str, str]
    ) -> int:
        self.faults.strike("manage_snapshot", name)
        return super().manage_snapshot(name, snapshot, reference)

    def unmanage_snapshot(self, name: str, snapshot: str) -> None:
        self.faults.strike("unmanage_snapshot", name)
        super().unmanage_snapshot(name, snapshot)

    def copy_in(self, name: str, image: Source, virtual_size: int) -> None:
        self.faults.strike("copy_in", name)
        super().copy_in(name, image, virtual_size)

    def copy_out(self, name: str, target: Source) -> None:
        """The file ends with the last MiB that was written to, so that it is quickly sent."""
        self.faults.strike("copy_out", name)
        super().copy_out(name, target)
        if target.format == RAW:
            concurrency.run_native(_shorten, target.path)

    # -- parts --------------------------------------------------------------------

    def _publish(self, fresh: Path, final: Path) -> None:
        os.replace(fresh, final)

    def _capabilities(self) -> dict[str, Any]:
        return {"volume_format": self._format}

    def _measure(self, files: Layout) -> tuple[int, int, int]:
        # all of them are raw, so a file is as large as its disk
        promised = sum(files.sizes())
        return self._capacity, max(0, self._capacity - promised), promised

    def _room_for_copy(self, origin: Source, name: str, size_gb: int) -> None:
        if self._volume(name) is None:
            self._room(f"volume {name}", max(size_gb * GIB, self._size(origin)))

    def _room(self, what: str, more: int) -> None:
        _, free, _ = concurrency.run_native(self._measure, self._files)
        if more > free:
            raise exceptions.BackendFull(
                backend=self.settings.name, what=what, needed=more // _MIB, free=free // _MIB
            )

    def _fault(self, verb: str, _name: str | None, reason: str) -> exceptions.BackendFailed:
        return exceptions.BackendFailed(backend=self.settings.name, verb=verb, reason=reason)


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_TEXT_BYTES).split(b"\0")[0].decode(errors="surrogateescape")


def _shorten(path: Path) -> None:
    end = sparse.data_end(path)
    os.truncate(path, max(1, -(-end // _MIB)) * _MIB)
