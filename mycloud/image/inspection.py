"""Whether an image's bytes are of the format that it is declared as, and safe.

Nothing here starts a process; the bytes are looked at as they pass. Formats by oslo.utils'
inspectors, which know what qemu-img would follow out of the file.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from oslo_utils.imageutils import format_inspector

from mycloud.common import exceptions

RAW = "raw"
_MBR = frozenset({"gpt"})
_ISO = frozenset({"iso"})
#: What an image may call itself -> what its bytes may be found to be. A disk with a partition
#: table is raw to everybody but the inspectors; so is a kernel, whose first sector ends like one.
_FOUND_AS: dict[str, tuple[frozenset[str], ...]] = {
    "raw": (_MBR,),
    "ami": (_MBR,),
    "ari": (_MBR,),
    "aki": (_MBR,),
    "ploop": (_MBR,),
    "iso": (_ISO, _ISO | _MBR),
    "qcow2": (frozenset({"qcow2"}),),
    "vhd": (frozenset({"vhd"}),),
    "vhdx": (frozenset({"vhdx"}),),
    "vmdk": (frozenset({"vmdk"}),),
    "vdi": (frozenset({"vdi"}),),
}
DISK_FORMATS = tuple(_FOUND_AS)
#: Formats that are whatever is not something else.
_SHAPELESS = frozenset({"raw", "ami", "ari", "aki", "ploop"})


class Inspection:
    """Blocks pass through it unchanged; it must have seen the last one before the verdict."""

    def __init__(self, image: Mapping[str, Any], blocks: Iterator[bytes]):
        self._image = image
        self._stream = format_inspector.InspectWrapper(blocks)
        self._decided = False

    def __iter__(self) -> Iterator[bytes]:
        """:raises ImageRejected: as soon as the bytes show another format than the declared"""
        for block in self._stream:
            if not self._decided:
                found = self._stream.formats
                if found is not None:
                    self._decided = True
                    self._check(found)
            yield block

    def verdict(self, size: int) -> tuple[str | None, int | None]:
        """The format of the bytes (None: not recognised) and the bytes of the disk in them.

        :raises ImageRejected: another format than the declared one, or one that is not safe
        """
        found = self._stream.formats or []
        self._check(found)
        declared = self._image["disk_format"]
        shapes = [each for each in found if str(each) != RAW]
        if not shapes and declared not in _SHAPELESS:
            return None, None
        for each in shapes:
            self._check_safety(each)
        if declared in _SHAPELESS:
            return RAW, size
        main = next(each for each in shapes if str(each) == declared)
        return declared, main.virtual_size

    def _check(self, found: list[format_inspector.FileInspector]) -> None:
        names = {str(each) for each in found} - {RAW}
        declared = self._image["disk_format"]
        if names and names not in _FOUND_AS[declared]:
            raise _rejected(
                self._image,
                f"it is declared as {declared} but its content is {' and '.join(sorted(names))}",
            )

    def _check_safety(self, found: format_inspector.FileInspector) -> None:
        if str(found) in _MBR:
            # a partition table leads nowhere out of the disk
            return
        try:
            found.safety_check()
        except format_inspector.SafetyCheckFailed as error:
            reasons = "; ".join(str(each) for each in error.failures.values())
            raise _rejected(self._image, f"its {found} content is not safe: {reasons}") from error


def unrecognised(image: Mapping[str, Any]) -> exceptions.ImageRejected:
    """The error for an image in whose data the declared format can't be found."""
    return _rejected(
        image,
        f"it is declared as {image['disk_format']} but that format can't be recognised in its "
        "data; register it with the right disk_format",
    )


def check_bootable(image: Mapping[str, Any]) -> None:
    """:raises ImageRejected: when nobody has recognised the declared format in the data"""
    if image["content_format"] is None:
        raise unrecognised(image)


def _rejected(image: Mapping[str, Any], reason: str) -> exceptions.ImageRejected:
    return exceptions.ImageRejected(image_id=image["id"], reason=reason)
