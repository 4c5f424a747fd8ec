"""Backups in a directory, which hosts may share.

Each backup has a directory that is called by its id::

    ID/manifest.json              see ``manifest``; there last, by a rename
    ID/000000/00000000            chunk 0, see ``chunk``: hexadecimal numbers, 1024 a directory
    ID/000000/00000001            chunk 1 ...

A file whose name begins with a dot is not whole. Nothing else is needed to restore a backup: see
docs/howto/restore-a-backup-by-hand.md.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from mycloud.common import clock, exceptions
from mycloud.disk import sparse
from mycloud.volume.repository import manifest as manifests
from mycloud.volume.repository.base import BackupRepository
from mycloud.volume.repository.manifest import Manifest

_MANIFEST = "manifest.json"
_PER_DIRECTORY = 1024
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class DirectoryRepository(BackupRepository):
    """See the module.

    :param directory: for its owner only; it is made when the first backup is
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def begin(self, backup_id: str) -> None:
        with self._telling(backup_id):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            place = self._place(backup_id)
            place.mkdir(mode=0o700, exist_ok=True)
            for part in place.rglob(".*"):
                part.unlink()

    def put_chunk(self, backup_id: str, number: int, stored: bytes) -> None:
        path = self._chunk(backup_id, number)
        part = path.with_name(f".{path.name}.{clock.new_id()}")
        with self._telling(backup_id):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            try:
                _write(part, stored)
                os.replace(part, path)
            finally:
                part.unlink(missing_ok=True)

    def get_chunk(self, backup_id: str, number: int) -> bytes | None:
        with self._telling(backup_id):
            try:
                return self._chunk(backup_id, number).read_bytes()
            except FileNotFoundError:
                return None

    def finish(self, manifest: Manifest) -> None:
        place = self._place(manifest.backup_id)
        part = place / f".{_MANIFEST}"
        with self._telling(manifest.backup_id):
            paths = [self._chunk(manifest.backup_id, number) for number in manifest.own()]
            for path in paths:
                _flush(path)
            for directory in {path.parent for path in paths}:
                sparse.flush_directory(directory)
            part.unlink(missing_ok=True)
            _write(part, manifests.to_bytes(manifest))
            sparse.publish(part, place / _MANIFEST)
            sparse.flush_directory(self._directory)

    def exists(self, backup_id: str) -> bool:
        with self._telling(backup_id):
            return (self._place(backup_id) / _MANIFEST).exists()

    def manifest(self, backup_id: str) -> Manifest:
        with self._telling(backup_id):
            try:
                stored = (self._place(backup_id) / _MANIFEST).read_bytes()
            except FileNotFoundError as error:
                raise exceptions.BackupNotStored(backup_id=backup_id) from error
        try:
            found = manifests.from_bytes(stored)
        except manifests.ManifestDamaged as error:
            raise exceptions.BackupDamaged(
                backup_id=backup_id, reason=f"its manifest is damaged: {error}"
            ) from error
        if found.backup_id != backup_id:
            raise exceptions.BackupDamaged(
                backup_id=backup_id, reason="its manifest is that of another backup"
            )
        return found

    def is_empty(self, backup_id: str) -> bool:
        with self._telling(backup_id):
            return not self._place(backup_id).exists()

    def delete(self, backup_id: str) -> None:
        place = self._place(backup_id)
        with self._telling(backup_id):
            if not place.exists():
                return
            # from now on it does not exist, whatever happens to the rest
            (place / _MANIFEST).unlink(missing_ok=True)
            sparse.flush_directory(place)
            shutil.rmtree(place)
            sparse.flush_directory(self._directory)

    def names(self) -> list[str]:
        try:
            found = os.listdir(self._directory)
        except FileNotFoundError:
            return []
        return sorted(
            name
            for name in found
            if not name.startswith(".") and (self._directory / name / _MANIFEST).exists()
        )

    # -- parts ---------------------------------------------------------------------------------

    def _free(self) -> int:
        there = [path for path in (self._directory, *self._directory.parents) if path.exists()]
        return sparse.free(there[0])

    def _place(self, backup_id: str) -> Path:
        """:raises ManifestDamaged: the id could lead elsewhere"""
        return self._directory / manifests.checked_id(backup_id)

    def _chunk(self, backup_id: str, number: int) -> Path:
        return self._place(backup_id) / f"{number // _PER_DIRECTORY:06x}" / f"{number:08x}"

    @contextlib.contextmanager
    def _telling(self, backup_id: str) -> Iterator[None]:
        """Say what went wrong without a path of this host."""
        try:
            yield
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise exceptions.RepositoryFull(
                    backup_id=backup_id, free=self._free() >> 20
                ) from error
            raise exceptions.RepositoryFailed(
                backup_id=backup_id, reason=error.strerror or type(error).__name__
            ) from error


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
