"""Images on their way into a volume and out of one.

They lie in ``images`` under the backend's state directory for as long as they are needed;
``clean`` removes those of a process that was killed.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mycloud.common import clock, concurrency, exceptions
from mycloud.disk import image_check, image_source, image_upload, qemu_img, sparse
from mycloud.disk.image_spec import ImageSpec
from mycloud.volume.drivers.base import GIB, Source, VolumeDriver

#: Formats that a volume can be uploaded in.
UPLOADED_AS = ("raw", "qcow2")


@contextlib.contextmanager
def brought(
    context: Any, image: ImageSpec, state_dir: Path, *, size_gb: int | None = None
) -> Iterator[tuple[Source, int]]:
    """Fetch an image and check it; gives the file, which is removed at the end, and the bytes that
    it has once it is raw: what ``VolumeDriver.copy_in`` takes.

    :param size_gb: of the volume that it is for
    :raises ImageRejected: the bytes are not what the image promises, or unsafe, or too many
    :raises DiskFull: no room for the file
    :raises ImageNotFound: :raises Unavailable: it can't be fetched
    """
    with temporary(state_dir) as file:
        _fetch(context, image, file)
        verdict = image_check.check(image, file)
        if size_gb is not None and verdict.virtual_size > size_gb * GIB:
            raise exceptions.ImageRejected(
                image_id=image.id,
                reason=f"its disk of {verdict.virtual_size / GIB:.1f} GiB does not fit into a "
                f"volume of {size_gb} GiB; it needs {-(-verdict.virtual_size // GIB)} GiB",
            )
        yield Source(file, qemu_img.name_of(verdict.disk_format)), verdict.virtual_size


def upload(
    context: Any, driver: VolumeDriver, name: str, image_id: str, disk_format: str
) -> None:
    """Make what a volume holds the data of an image that has none. Nobody writes to the volume
    meanwhile.

    :param disk_format: one of UPLOADED_AS
    :raises VolumeNotOnBackend: :raises BackendFull: no room for the copy
    :raises ImageUploadRefused: the format, or with the reason of the image service
    :raises ImageNotFound: when somebody has deleted the image meanwhile
    :raises StateConflict: it has data
    :raises Unavailable: no way leads to the store
    """
    if disk_format not in UPLOADED_AS:
        known = " or ".join(UPLOADED_AS)
        raise exceptions.ImageUploadRefused(
            image_id=image_id,
            reason=f"a volume can't be uploaded as {disk_format!r}; use {known}",
        )
    with temporary(driver.settings.state_dir) as file:
        driver.copy_out(name, Source(file, disk_format))
        image_upload.send(context, image_id, file, disk_format)


def clean(state_dir: Path) -> list[str]:
    """Remove what an earlier process has left; returns the names. None may be on its way."""
    found = list(_directory(state_dir).glob("*"))
    for each in found:
        # off the hub: to give a big file's blocks back takes a while
        concurrency.run_native(each.unlink)
    return sorted(each.name for each in found)


def _fetch(context: Any, image: ImageSpec, file: Path) -> None:
    needed = image.size or 0
    if needed > sparse.free(file.parent):
        raise qemu_img.no_room(file, needed)
    try:
        image_source.fetcher(context, image)(file)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise qemu_img.no_room(file, needed) from error


@contextlib.contextmanager
def temporary(state_dir: Path) -> Iterator[Path]:
    """Where a file may be made, which is removed at the end."""
    directory = _directory(state_dir)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / clock.new_id()
    try:
        yield path
    finally:
        if os.path.lexists(path):
            concurrency.run_native(path.unlink)


def _directory(state_dir: Path) -> Path:
    return state_dir / "images"
