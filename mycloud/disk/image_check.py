"""Whether the bytes of an image are what they claim to be, and safe to give to qemu-img.

Nothing here starts a process: the bytes are only read.  This check comes before the first
qemu-img, whose parsers follow what an image says (a backing file, a data file) into the host.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from oslo_utils.imageutils import format_inspector

from mycloud.common import concurrency, exceptions
from mycloud.disk.image_spec import ImageSpec

_CHUNK = 4 << 20
_GIB = 1 << 30
#: what an image may call itself -> what the inspector may find in it
FOUND_AS = {
    "raw": ("raw", "gpt"),
    "iso": ("iso",),
    "qcow2": ("qcow2",),
    "vmdk": ("vmdk",),
    "vdi": ("vdi",),
    "vhd": ("vhd",),
    "vhdx": ("vhdx",),
}
#: formats whose bytes are the disk itself
FLAT = ("raw", "iso")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a file that passed holds.

    :ivar virtual_size: bytes of the disk as a guest sees it
    """

    disk_format: str
    virtual_size: int


def check(spec: ImageSpec, path: Path) -> Verdict:
    """Compare the file with what the image promises.

    :raises ImageRejected: wrong size or checksum, unknown format, a format other than the
        declared one, or one that reaches out of its own file
    """
    accepted = FOUND_AS.get(spec.disk_format)
    if accepted is None:
        raise _rejected(
            spec,
            f"this host boots no disk format {spec.disk_format!r}; use one of "
            f"{', '.join(FOUND_AS)}",
        )
    size = path.stat().st_size
    if spec.size is not None and size != spec.size:
        raise _rejected(spec, f"it should have {spec.size} bytes but {size} came")
    if size == 0:
        raise _rejected(spec, "it is empty")
    if spec.checksum and concurrency.run_native(sha512, path) != spec.checksum:
        raise _rejected(spec, "its bytes do not match its checksum; upload it again")
    return _inspect(spec, path, accepted, size)


def _inspect(spec: ImageSpec, path: Path, accepted: tuple[str, ...], size: int) -> Verdict:
    try:
        found = format_inspector.detect_file_format(str(path))
        if found is None:
            raise _rejected(spec, "its format can't be recognised")
        if str(found) not in accepted:
            raise _rejected(
                spec, f"it is declared as {spec.disk_format} but its content is {found}"
            )
        found.safety_check()
    except format_inspector.SafetyCheckFailed as error:
        reasons = "; ".join(str(each) for each in error.failures.values())
        raise _rejected(spec, f"its {spec.disk_format} content is not safe: {reasons}") from error
    except format_inspector.ImageFormatError as error:
        raise _rejected(spec, f"its content is malformed: {error}") from error
    if spec.disk_format in FLAT:
        # the inspector stops reading once it knows, so it has not seen the end
        return Verdict(spec.disk_format, size)
    if found.virtual_size <= 0:
        raise _rejected(spec, "it claims a disk of no size")
    return Verdict(spec.disk_format, found.virtual_size)


def root_disk_gb(image: ImageSpec | None, root_gb: int, virtual_size: int) -> int:
    """GiB that the root disk gets: the flavor's, or the image's own if that is 0.

    :raises ImageRejected: the image does not fit into the flavor's disk
    """
    needed = -(-virtual_size // _GIB)
    if root_gb == 0:
        return needed
    if needed > root_gb and image is not None:
        raise _rejected(
            image,
            f"its disk of {virtual_size / _GIB:.1f} GiB does not fit into the flavor's root disk "
            f"of {root_gb} GiB; take a flavor with at least {needed} GiB",
        )
    return root_gb


def not_cached(spec: ImageSpec) -> exceptions.ImageRejected:
    """The error for a disk that is wanted before its image was brought here."""
    return _rejected(spec, "it is not in the host's cache")


def sha512(path: Path) -> str:
    """In hex; blocks."""
    digest = hashlib.sha512()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _rejected(spec: ImageSpec, reason: str) -> exceptions.ImageRejected:
    return exceptions.ImageRejected(image_id=spec.id, reason=reason)
