"""The images that this host has already fetched, as raw bases for thin copies.

A base is named by the sha512 of the image it came from and is put in place by a rename, so
what has the name is whole.  It is raw whatever the image was: a raw file holds no header that
could lead QEMU elsewhere.
"""

from __future__ import annotations

import datetime
import errno
import os
import re
from pathlib import Path

from oslo_concurrency import lockutils, processutils
from oslo_log import log

from mycloud.common import clock, concurrency, exceptions
from mycloud.disk import image_check, qemu_img
from mycloud.disk.image_spec import Fetch, ImageSpec

LOG = log.getLogger(__name__)

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")


class ImageCache:
    """A directory of bases.  Two that want the same image wait for one another."""

    def __init__(self, directory: Path) -> None:
        self._dir = directory

    def base(self, spec: ImageSpec) -> Path | None:
        """The raw file to copy from, or None if the image is not here."""
        path = self._path(spec)
        return path if path.exists() else None

    def ensure(self, spec: ImageSpec, fetch: Fetch) -> None:
        """Fetch, check and convert the image unless it is here.

        :raises ImageRejected: the bytes are not what the image promises, or unsafe
        :raises DiskFull: no room for the image or for the disk in it
        """
        base = self.base(spec)
        if base is not None:
            os.utime(base)
            return
        self._dir.mkdir(parents=True, exist_ok=True)
        with lockutils.lock(
            f"image-{self._path(spec).name}", external=True, lock_path=str(self._dir / "locks"),
            do_log=False,
        ):
            if self.base(spec) is None:
                self._bring(spec, fetch)

    def prune(self, unused_seconds: float) -> list[str]:
        """Remove bases that no disk is on and that nobody asked for in that many seconds.

        Whoever makes a disk on a base links it beside the disk, so a base that is removed
        here would still be there for its disks.
        """
        removed = []
        for path in self._dir.glob("*"):
            if path.suffix or not path.is_file():
                # on its way in, or the locks
                continue
            stat = path.stat()
            idle = clock.now().replace(tzinfo=datetime.UTC).timestamp() - stat.st_mtime
            if stat.st_nlink > 1 or idle < unused_seconds:
                continue
            # off the hub: to give a big file's blocks back takes a while
            concurrency.run_native(path.unlink)
            removed.append(path.name)
            LOG.info("Image %s was not used for %d s and left the cache", path.name, idle)
        return sorted(removed)

    def _bring(self, spec: ImageSpec, fetch: Fetch) -> None:
        path = self._path(spec)
        # fixed names: what a killed process left behind is overwritten, not collected
        fetched, converted = path.with_suffix(".fetched"), path.with_suffix(".raw")
        try:
            self._check_room(fetched, spec.size or 0)
            try:
                fetch(fetched)
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    raise qemu_img.no_room(fetched, spec.size or 0) from error
                raise
            verdict = image_check.check(spec, fetched)
            ready = fetched
            if verdict.disk_format not in image_check.FLAT:
                self._convert(spec, verdict, converted)
                ready = converted
            concurrency.run_native(_flush, ready)
            ready.replace(path)
        finally:
            fetched.unlink(missing_ok=True)
            converted.unlink(missing_ok=True)
        LOG.info("Image %s is in the cache", spec.id)

    def _convert(self, spec: ImageSpec, verdict: image_check.Verdict, target: Path) -> None:
        target.unlink(missing_ok=True)
        try:
            qemu_img.convert_to_raw(
                target.with_suffix(".fetched"),
                qemu_img.name_of(verdict.disk_format),
                target,
                verdict.virtual_size,
            )
        except processutils.ProcessExecutionError as error:
            raise exceptions.ImageRejected(
                image_id=spec.id, reason=f"it can't be converted: {qemu_img.reason(error)}"
            ) from error

    def _check_room(self, path: Path, size: int) -> None:
        stat = os.statvfs(self._dir)
        if size > stat.f_bavail * stat.f_frsize:
            raise qemu_img.no_room(path, size)

    def _path(self, spec: ImageSpec) -> Path:
        name = spec.checksum or spec.id
        if not _SAFE_NAME.match(name):
            raise ValueError(f"{name!r} can't be the name of a file")
        return self._dir / name


def _flush(path: Path) -> None:
    """A base that a power cut had torn would ruin every guest on it without a word."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
