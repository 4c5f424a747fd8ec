"""What a guest has on the host's disk: one directory per server, named by its id.

``disk`` is the root disk and ``disk.base`` the image under it: another name of the one in the
cache, which may so be emptied at any time.  ``disk.eph0`` and ``disk.swap`` are the flavor's
further disks (``disk.blank0`` ... where they were asked for one by one), ``disk.config`` is the
config drive, and ``console.log`` what the guest said
(``.0``, ``.1`` ... when rotated; the highest is the oldest).  ``disk.snapshot.NAME`` is a copy of
the root disk on its way to the image store.
"""

from __future__ import annotations

import errno
import functools
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from oslo_concurrency import processutils

from mycloud.common import clock, concurrency, exceptions
from mycloud.compute import configdrive
from mycloud.compute.drivers.base import BlankDisk, GuestSpec
from mycloud.disk import image_check, qemu_img
from mycloud.disk.image_cache import ImageCache

ROOT, BASE, EPHEMERAL, SWAP = "disk", "disk.base", "disk.eph0", "disk.swap"
BLANK = "disk.blank"
CONFIG, CONSOLE, SNAPSHOT = "disk.config", "console.log", "disk.snapshot"

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")
_DELETED = ".deleted"
_GIB = 1 << 30
_MIB = 1 << 20
#: what st_blocks counts, whatever the file system
_STAT_BLOCK = 512
#: the most of a console that is given away; more would burden the bus
_CONSOLE_BYTES = 256 << 10


class GuestFiles:
    """The directories of all guests of one host."""

    def __init__(self, directory: Path, cache: ImageCache) -> None:
        self._dir = directory
        self._cache = cache
        directory.mkdir(parents=True, exist_ok=True)

    def path(self, server_id: str, name: str = "") -> Path:
        """:raises ValueError: the id can't be the name of a directory"""
        if not _SAFE_NAME.match(server_id):
            raise ValueError(f"{server_id!r} can't be the name of a directory")
        return self._dir / server_id / name

    def server_ids(self) -> list[str]:
        """Every server that has a directory here, or one that is half removed."""
        return sorted(
            {
                path.name.removeprefix(".").removesuffix(_DELETED)
                for path in self._dir.iterdir() if path.is_dir()
            }
        )

    def exist(self, server_id: str) -> bool:
        """Whether ``server_ids`` would name the server."""
        path = self.path(server_id)
        return path.exists() or path.with_name(f".{server_id}{_DELETED}").exists()

    def unwritten_bytes(self) -> int:
        """By how much the disks of all guests may still grow, if the guests fill them."""
        kinds = ((ROOT, True), (EPHEMERAL, False), (SWAP, False), (f"{BLANK}*", False))
        return sum(
            _unwritten(path, qcow2=qcow2)
            for kind, qcow2 in kinds for path in self._dir.glob(f"[!.]*/{kind}")
        )

    def ready(self, spec: GuestSpec) -> bool:
        """Whether every disk that the guest needs is there."""
        return all(
            self.path(spec.server_id, name).exists() for name in ("", *disk_names(spec))
        )

    def create(self, spec: GuestSpec) -> None:
        """Make the disks that are not there yet.

        :raises ImageRejected: the image does not fit, or is not in the cache
        :raises DiskFull: no room
        """
        makers: dict[str, Callable[[Path], None]] = {
            name: functools.partial(_make_blank, blank)
            for name, blank in local_disks(spec) if blank is not None
        }
        if spec.has_root_disk:
            makers[ROOT] = self._root_maker(spec)
        makers[CONFIG] = lambda path: configdrive.write(path, spec.config_files or {})
        self.path(spec.server_id).mkdir(exist_ok=True)
        for torn in self.path(spec.server_id).glob(".*"):
            # of a process that was killed while it made one
            torn.unlink()
        for name in disk_names(spec):
            path = self.path(spec.server_id, name)
            if path.exists():
                continue
            fresh = path.with_name(f".{name}.{clock.new_id()}")
            try:
                makers[name](fresh)
                fresh.replace(path)
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    raise qemu_img.no_room(path, _MIB) from error
                raise
            except processutils.ProcessExecutionError as error:
                raise exceptions.GuestOperationFailed(
                    verb="make the disk of", server_id=spec.server_id,
                    reason=qemu_img.reason(error),
                ) from error
            finally:
                fresh.unlink(missing_ok=True)

    def snapshot_path(self, server_id: str, name: str) -> Path:
        """Where a copy of the root disk is once it is whole."""
        return self.path(server_id, f"{SNAPSHOT}.{name}")

    def torn_snapshot_path(self, server_id: str, name: str) -> Path:
        """Where it is until then; what an earlier process has left there is removed."""
        path = self.path(server_id, f".{SNAPSHOT}.{name}")
        path.unlink(missing_ok=True)
        return path

    def delete(self, server_id: str) -> None:
        """Remove the server's directory with all that is in it."""
        path = self.path(server_id)
        gone = path.with_name(f".{server_id}{_DELETED}")
        # under another name first, so that half a directory is never taken for a guest's
        for _ in range(2):
            if gone.exists():
                concurrency.run_native(shutil.rmtree, gone)
            if path.exists():
                path.rename(gone)

    def console(self, server_id: str, length: int | None) -> str:
        """The last ``length`` lines, of the last 256 KiB, of what the guest said."""
        parts: list[bytes] = []
        missing = _CONSOLE_BYTES
        for path in self._console_parts(server_id):
            parts.insert(0, _tail(path, missing))
            missing -= len(parts[0])
            if missing <= 0:
                break
        text = b"".join(parts).decode("utf-8", errors="replace")
        if length is None:
            return text
        lines = text.splitlines(keepends=True)
        return "".join(lines[len(lines) - min(length, len(lines)):])

    def _console_parts(self, server_id: str) -> list[Path]:
        """Newest first."""
        current = self.path(server_id, CONSOLE)
        rotated = [
            path for path in current.parent.glob(f"{CONSOLE}.*") if path.suffix[1:].isdigit()
        ]
        return [current, *sorted(rotated, key=lambda path: int(path.suffix[1:]))]

    def _root_maker(self, spec: GuestSpec) -> Callable[[Path], None]:
        if self.path(spec.server_id, ROOT).exists():
            return _not_needed
        if spec.image is None:
            return lambda path: qemu_img.create_empty(path, spec.root_gb * _GIB)
        base = self._cache.base(spec.image)
        if base is None:
            raise image_check.not_cached(spec.image)
        size = base.stat().st_size
        wanted = size
        if spec.root_gb:
            wanted = image_check.root_disk_gb(spec.image, spec.root_gb, size) * _GIB
        linked = self.path(spec.server_id, BASE)

        def make(path: Path) -> None:
            linked.unlink(missing_ok=True)
            linked.hardlink_to(base)
            qemu_img.create_over(linked, path, wanted)

        return make


def disk_names(spec: GuestSpec) -> list[str]:
    """The files that this guest's disks are, in the order that the guest sees them."""
    names = [name for name, _ in local_disks(spec)]
    return [*names, CONFIG] if spec.config_files is not None else names


def local_disks(spec: GuestSpec) -> list[tuple[str, BlankDisk | None]]:
    """Its disks but for volumes and config drive: file and what it is; None is the root disk."""
    found: list[tuple[str, BlankDisk | None]] = []
    if spec.has_root_disk:
        found.append((ROOT, None))
    if spec.blank_disks:
        return [*found, *((f"{BLANK}{i}", disk) for i, disk in enumerate(spec.blank_disks))]
    if spec.ephemeral_gb:
        found.append((EPHEMERAL, BlankDisk(spec.ephemeral_gb << 10, "ext4")))
    if spec.swap_mb:
        found.append((SWAP, BlankDisk(spec.swap_mb, "swap")))
    return found


def _not_needed(_path: Path) -> None:
    raise AssertionError("the root disk is there already")


def _make_blank(blank: BlankDisk, path: Path) -> None:
    _make_sparse(path, blank.size_mb * _MIB)
    if blank.file_system == "swap":
        processutils.execute("mkswap", str(path), env_variables=_sbin())
    elif blank.file_system is not None:
        processutils.execute(
            f"mkfs.{blank.file_system}", "-q", "-L", "ephemeral0", str(path),
            env_variables=_sbin(),
        )


def _make_sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)
    path.chmod(0o600)


def _sbin() -> dict[str, str]:
    return {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}


def _unwritten(path: Path, *, qcow2: bool) -> int:
    # the format is never read from the file: a guest may write any header into its raw disk
    try:
        found = path.stat()
        size = qemu_img.qcow2_size(path) if qcow2 else found.st_size
    except OSError:
        # it has just been removed
        return 0
    return max(0, size - found.st_blocks * _STAT_BLOCK)


def _tail(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read(size)
    except FileNotFoundError:
        # not written yet, or rotated away between the listing and now
        return b""
