"""Volumes that are files of a directory: raw with holes, or qcow2; see ``layout`` for the names.

A snapshot is a copy of its own, so nothing depends on anything. A copy is a reflink where the file
system can, which is one moment's; else it takes as long and as much room as the data. A file gets
its name when it is whole and on the disk.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from oslo_concurrency import processutils

from mycloud.common import clock, concurrency, exceptions
from mycloud.disk import file_locks, qemu_img, sparse
from mycloud.volume.drivers import foreign_files
from mycloud.volume.drivers.base import (
    GIB,
    BackendSettings,
    Manageable,
    Pool,
    Source,
    VolumeDriver,
)
from mycloud.volume.drivers.layout import QCOW2, RAW, SNAPSHOT, VOLUME, Layout

_MIB = 1 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class FileDriver(VolumeDriver):
    """Volumes under ``volume_dir``, new ones of ``volume_format``."""

    PROTOCOL: ClassVar[str] = "file"

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        self._format: str = settings.options.get("volume_format") or RAW
        self._reflinks: bool | None = None
        self._layout: Layout | None = None

    # -- life ---------------------------------------------------------------

    def do_setup(self) -> None:
        if self._format not in (RAW, QCOW2):
            raise self._failed("start", f"volume_format {self._format!r} is not raw or qcow2")
        with self._telling("start"):
            concurrency.run_native(self._make_directory)
            self._layout = Layout(self._directory(), concurrency.run_native(self._owner))
            self._reflinks = concurrency.run_native(self._probe)

    def check_for_setup_error(self) -> None:
        if self._layout is None:
            self.do_setup()
        with self._telling("write to its directory"):
            concurrency.run_native(self._make_directory)

    def pools(self) -> list[Pool]:
        with self._telling("measure its directory"):
            total, free, provisioned = concurrency.run_native(self._measure, self._files)
        options = self.settings.options
        return [
            Pool(
                name=self.settings.backend_name,
                total_gb=round(total / GIB, 2),
                free_gb=round(free / GIB, 2),
                provisioned_gb=round(provisioned / GIB, 2),
                thin=True,
                max_over_subscription_ratio=float(
                    options.get("max_over_subscription_ratio") or 20
                ),
                reserved_percentage=int(options.get("reserved_percentage") or 0),
                multiattach=self._multiattach(),
                # QEMU locks a qcow2 that it uses against anybody who would change its size
                online_extend=self._format == RAW,
                storage_protocol=self.PROTOCOL,
                capabilities=self._capabilities(),
            )
        ]

    def clean_temporary(self) -> list[str]:
        with self._telling("remove what was half made"):
            found = concurrency.run_native(self._files.parts)
            for path in found:
                concurrency.run_native(sparse.remove, path)
        return [path.name for path in found]

    # -- volumes ------------------------------------------------------------

    def create(self, name: str, size_gb: int, *, pool: str | None = None) -> None:
        if pool not in (None, self.settings.backend_name):
            raise self._failed("create a volume", f"it has no pool {pool}")
        found = self._volume(name)
        if found is not None:
            # an earlier call has made it
            with self._telling(f"extend volume {name}"):
                self._grow(found, size_gb * GIB)
            return
        final = self._files.volume_path(name, self._format)
        self._make(
            final, f"volume {name}",
            lambda fresh: self._empty(Source(fresh, self._format), size_gb * GIB),
        )

    def exists(self, name: str) -> bool:
        return self._volume(name) is not None

    def names(self) -> list[str]:
        entries = concurrency.run_native(self._files.entries)
        return [entry.volume for entry in entries if entry.snapshot is None]

    def size_gb(self, name: str) -> int:
        return -(-self._size(self._must(name)) // GIB)

    def delete(self, name: str) -> None:
        found = self._volume(name)
        if found is not None:
            self._not_in_use(found, f"delete volume {name}")
            with self._telling(f"delete volume {name}"):
                concurrency.run_native(sparse.remove, found.path)

    def extend(self, name: str, size_gb: int) -> None:
        found = self._must(name)
        with self._telling(f"extend volume {name}"):
            self._grow(found, size_gb * GIB)

    def clone(self, source: str, name: str, size_gb: int) -> None:
        self._volume_from(self._must(source), name, size_gb)

    def source(self, name: str) -> Source:
        return self._must(name)

    # -- snapshots ----------------------------------------------------------

    def snapshot(self, name: str, snapshot: str) -> None:
        found = self._must(name)
        if self._snapshot(name, snapshot) is None:
            final = self._files.snapshot_path(name, snapshot, found.format)
            self._copy(found, final, f"snapshot {snapshot}")

    @property
    def atomic_snapshots(self) -> bool:
        if self._reflinks is None:
            self.do_setup()
        return bool(self._reflinks)

    def begin_snapshot(self, name: str, snapshot: str) -> Source:
        found = self._must(name)
        begun = Source(self._files.begun_path(name, snapshot, found.format), found.format)
        with self._telling(f"make snapshot {snapshot}"):
            concurrency.run_native(sparse.remove, begun.path)
            size = self._size(found)
        self._needed(found, f"snapshot {snapshot}")
        self._make(
            begun.path, f"snapshot {snapshot}",
            lambda fresh: self._empty(Source(fresh, found.format), size),
        )
        return begun

    def commit_snapshot(self, name: str, snapshot: str) -> None:
        begun = concurrency.run_native(self._files.begun, name, snapshot)
        if begun is not None:
            final = self._files.snapshot_path(name, snapshot, begun.format)
            with self._telling(f"make snapshot {snapshot}"):
                concurrency.run_native(sparse.publish, begun.path, final)
        elif self._snapshot(name, snapshot) is None:
            raise self._not_here(SNAPSHOT, snapshot)

    def snapshot_exists(self, name: str, snapshot: str) -> bool:
        return self._snapshot(name, snapshot) is not None

    def snapshot_names(self) -> list[str]:
        entries = concurrency.run_native(self._files.entries)
        return [entry.snapshot for entry in entries if entry.snapshot is not None]

    def delete_snapshot(self, name: str, snapshot: str) -> None:
        begun = concurrency.run_native(self._files.begun, name, snapshot)
        with self._telling(f"delete snapshot {snapshot}"):
            for found in (begun, self._snapshot(name, snapshot)):
                if found is not None:
                    concurrency.run_native(sparse.remove, found.path)

    def create_from_snapshot(
        self, name: str, snapshot: str, new: str, size_gb: int
    ) -> None:
        self._volume_from(self._must_snapshot(name, snapshot), new, size_gb)

    def revert(self, name: str, snapshot: str) -> None:
        found, kept = self._must(name), self._must_snapshot(name, snapshot)
        self._not_in_use(found, f"revert volume {name}")
        self._copy(kept, found.path, f"volume {name}", self._size(found))

    def snapshot_source(self, name: str, snapshot: str) -> Source:
        return self._must_snapshot(name, snapshot)

    # -- what lies there already --------------------------------------------

    def manageable(self) -> list[Manageable]:
        return concurrency.run_native(foreign_files.listing, self._files, self._format)

    def manage(self, reference: Mapping[str, str], name: str) -> int:
        path = foreign_files.path(self._files, reference)
        if self._volume(name) is not None:
            if concurrency.run_native(path.exists):
                raise foreign_files.refused(reference, f"there is a volume {name} already")
            # an earlier call has done it
            return self.size_gb(name)
        size = concurrency.run_native(foreign_files.size, path, reference, self._format)
        with self._telling("take what was named"):
            # as a file of ours first, so that nobody sees a volume of the wrong size
            self._grow(Source(path, self._format), size)
            concurrency.run_native(path.chmod, 0o600)
            final = self._files.volume_path(name, self._format)
            concurrency.run_native(sparse.publish, path, final)
        return size // GIB

    def unmanage(self, name: str) -> None:
        found = self._volume(name)
        if found is None:
            if concurrency.run_native(self._files.unmanaged, name) is None:
                raise self._not_here(VOLUME, name)
            return
        target = self._files.unmanaged_path(name, found.format)
        with self._telling(f"unmanage volume {name}"):
            concurrency.run_native(sparse.publish, found.path, target)

    def manage_snapshot(
        self, name: str, snapshot: str, reference: Mapping[str, str]
    ) -> int:
        path = foreign_files.path(self._files, reference)
        kept = self._snapshot(name, snapshot)
        if kept is None:
            if self._files.former(path)[0] != name:
                raise foreign_files.refused(reference, f"it is no snapshot of volume {name}")
            concurrency.run_native(foreign_files.size, path, reference, self._format)
            final = self._files.snapshot_path(name, snapshot, self._format)
            with self._telling("take what was named"):
                concurrency.run_native(sparse.publish, path, final)
            kept = Source(final, self._format)
        return -(-self._size(kept) // GIB)

    def unmanage_snapshot(self, name: str, snapshot: str) -> None:
        found = self._snapshot(name, snapshot)
        if found is None:
            if concurrency.run_native(self._files.unmanaged_snapshot, name, snapshot) is None:
                raise self._not_here(SNAPSHOT, snapshot)
            return
        target = self._files.unmanaged_snapshot_path(name, snapshot, found.format)
        with self._telling(f"unmanage snapshot {snapshot}"):
            concurrency.run_native(sparse.publish, found.path, target)

    # -- whole images -------------------------------------------------------

    def copy_in(self, name: str, image: Source, virtual_size: int) -> None:
        found = self._must(name)
        size = self._size(found)
        verb = f"write an image to volume {name}"
        if image.format == RAW:
            virtual_size = max(virtual_size, self._size(image))
        if virtual_size > size:
            raise self._failed(verb, f"it needs {virtual_size} bytes, the volume has {size}")
        self._not_in_use(found, verb)
        needed = self._needed(image, f"volume {name}")

        def write(fresh: Path) -> None:
            if found.format == RAW and image.format == RAW:
                concurrency.run_native(sparse.copy, image.path, fresh, find_zeros=True)
                self._grow(Source(fresh, RAW), size)
                return
            self._empty(Source(fresh, found.format), size)
            qemu_img.convert_into(image.path, image.format, fresh, found.format, size)

        # over the old one when it is whole, so a failure changes nothing
        self._make(found.path, f"volume {name}", write, needed)

    def copy_out(self, name: str, target: Source) -> None:
        found = self._must(name)
        needed = concurrency.run_native(sparse.allocated, found.path)
        part = target.path.with_name(f".{target.path.name}.{clock.new_id()}")
        try:
            with self._telling(f"copy volume {name}", f"a copy of volume {name}", needed):
                if found.format == target.format == RAW:
                    concurrency.run_native(sparse.copy, found.path, part, find_zeros=True)
                else:
                    # the file of a qcow2 may hold what is not in the disk any more
                    concurrency.run_native(sparse.create, part, 0)
                    qemu_img.convert(found.path, found.format, part, target.format)
                concurrency.run_native(sparse.publish, part, target.path)
        finally:
            concurrency.run_native(part.unlink, missing_ok=True)

    # -- for drivers of files on other storage --------------------------------

    def _directory(self) -> Path:
        """Where the files are.  :raises BackendFailed: the storage is not there now"""
        told = self.settings.options.get("volume_dir")
        return Path(told) if told else self.settings.state_dir / "volumes"

    def _make_directory(self) -> None:
        self._directory().mkdir(mode=0o700, parents=True, exist_ok=True)

    def _multiattach(self) -> bool:
        # two writers would ruin the tables of a qcow2
        return self._format == RAW

    def _capabilities(self) -> dict[str, Any]:
        return {"volume_format": self._format, "reflink": self.atomic_snapshots}

    def _measure(self, files: Layout) -> tuple[int, int, int]:
        """Bytes in all, bytes free, bytes promised."""
        stat = os.statvfs(files.directory)
        promised = sum(qemu_img.virtual_size(each.path, each.format) for each in files.entries())
        return stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize, promised

    # -- parts ----------------------------------------------------------------

    @property
    def _files(self) -> Layout:
        if self._layout is None:
            self.do_setup()
        self._directory()
        assert self._layout is not None
        return self._layout

    def _owner(self) -> str:
        """A word that tells this backend on this host from others that share the directory."""
        path = self.settings.state_dir / "owner"
        try:
            return path.read_text()
        except FileNotFoundError:
            self.settings.state_dir.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{path.name}.{clock.new_id()}")
            fresh.write_text(clock.new_hex_id()[:12])
            fresh.replace(path)
            return path.read_text()

    def _probe(self) -> bool:
        assert self._layout is not None
        part = self._layout.part_path("probe", clock.new_id())
        return sparse.can_reflink(part.parent, part.name)

    def _volume(self, name: str) -> Source | None:
        return concurrency.run_native(self._files.volume, name)

    def _snapshot(self, name: str, snapshot: str) -> Source | None:
        return concurrency.run_native(self._files.snapshot, name, snapshot)

    def _must(self, name: str) -> Source:
        found = self._volume(name)
        if found is None:
            raise self._not_here(VOLUME, name)
        return found

    def _must_snapshot(self, name: str, snapshot: str) -> Source:
        found = self._snapshot(name, snapshot)
        if found is None:
            raise self._not_here(SNAPSHOT, snapshot)
        return found

    def _size(self, found: Source) -> int:
        return concurrency.run_native(qemu_img.virtual_size, found.path, found.format)

    def _empty(self, fresh: Source, size: int) -> None:
        if fresh.format == RAW:
            concurrency.run_native(sparse.create, fresh.path, size)
            return
        # qemu-img keeps the mode
        concurrency.run_native(sparse.create, fresh.path, 0)
        qemu_img.create_empty(fresh.path, size)

    def _grow(self, found: Source, size: int) -> None:
        if self._size(found) >= size:
            return
        if found.format == RAW:
            concurrency.run_native(sparse.grow, found.path, size)
        else:
            qemu_img.resize(found.path, found.format, size)

    def _volume_from(self, origin: Source, name: str, size_gb: int) -> None:
        found = self._volume(name)
        if found is not None:
            # an earlier call has made it
            with self._telling(f"extend volume {name}"):
                self._grow(found, size_gb * GIB)
            return
        final = self._files.volume_path(name, origin.format)
        self._copy(origin, final, f"volume {name}", size_gb * GIB)

    def _copy(self, origin: Source, final: Path, what: str, size: int = 0) -> None:
        def write(fresh: Path) -> None:
            concurrency.run_native(sparse.copy, origin.path, fresh)
            self._grow(Source(fresh, origin.format), size)

        self._make(final, what, write, self._needed(origin, what))

    def _make(
        self, final: Path, what: str, write: Callable[[Path], None], needed: int = 0
    ) -> None:
        fresh = self._files.part_path(final.name, clock.new_id())
        try:
            with self._telling(f"make {what}", what, needed):
                write(fresh)
                concurrency.run_native(self._publish, fresh, final)
        finally:
            # off the hub: to give a big file's blocks back takes a while
            concurrency.run_native(fresh.unlink, missing_ok=True)

    def _publish(self, fresh: Path, final: Path) -> None:
        sparse.publish(fresh, final)

    def _not_in_use(self, found: Source, verb: str) -> None:
        if concurrency.run_native(file_locks.held, found.path):
            raise self._failed(verb, "a program has it open; detach it, or wait for the copy")

    def _needed(self, origin: Source, what: str) -> int:
        """Bytes that a copy takes. What would fill the disk, under the guests that write to it,
        is not begun."""
        if self.atomic_snapshots:
            return 0
        needed = concurrency.run_native(sparse.allocated, origin.path)
        if needed > self._free():
            raise self._full(what, needed)
        return needed

    def _free(self) -> int:
        return concurrency.run_native(sparse.free, self._directory())

    @contextlib.contextmanager
    def _telling(self, verb: str, what: str = "it", needed: int = 0) -> Iterator[None]:
        """Say what went wrong without a path of this host.

        :param needed: bytes that ``what`` needs, as far as one knows
        """
        try:
            yield
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise self._full(what, needed) from error
            raise self._failed(verb, error.strerror or type(error).__name__) from error
        except exceptions.DiskFull as error:
            raise self._full(what, needed) from error
        except processutils.ProcessExecutionError as error:
            raise self._failed(verb, qemu_img.reason(error)) from error

    def _full(self, what: str, needed: int) -> exceptions.BackendFull:
        return exceptions.BackendFull(
            backend=self.settings.name, what=what, needed=max(needed, _MIB) // _MIB,
            free=self._free() // _MIB,
        )

    def _failed(self, verb: str, reason: str) -> exceptions.BackendFailed:
        return exceptions.BackendFailed(backend=self.settings.name, verb=verb, reason=reason)

    def _not_here(self, what: str, name: str) -> exceptions.VolumeNotOnBackend:
        return exceptions.VolumeNotOnBackend(backend=self.settings.name, what=what, name=name)
