"""Files beside the volumes of a directory that may become volumes.

Their bytes are somebody else's: they are looked at before any program opens them. Everything here
blocks, except for ``path``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from oslo_utils.imageutils import format_inspector

from mycloud.common import exceptions
from mycloud.disk import file_locks
from mycloud.volume.drivers.base import GIB, Manageable
from mycloud.volume.drivers.layout import QCOW2, RAW, Layout

#: the word that a reference has
KEY = "source-name"
#: what the inspector may find in a file whose bytes are the disk itself
_FLAT = ("raw", "gpt", "iso", "luks")


def path(files: Layout, reference: Mapping[str, str]) -> Path:
    """The file that a reference names, whether it is there or not.

    :raises InvalidReference: it can't name a file that is nobody's
    """
    name = reference.get(KEY)
    if not isinstance(name, str) or set(reference) != {KEY}:
        raise refused(reference, f"it must be an object with nothing but {KEY!r}")
    if not name or "/" in name or "\0" in name or name.startswith(".") or len(name) > 255:
        raise refused(reference, f"{KEY!r} must be the name of a file of the backend's directory")
    if files.is_ours(name):
        raise refused(reference, "it is a volume or a snapshot of this cloud")
    return files.directory / name


def size(found: Path, reference: Mapping[str, str], disk_format: str) -> int:
    """Bytes that the file will have as a volume: its own, rounded up to whole GiB.

    :raises InvalidReference: it is not there, or unfit
    """
    if not found.is_file():
        raise refused(reference, "there is no such file")
    reason, virtual_size = _inspect(found, disk_format)
    if reason is not None:
        raise refused(reference, reason)
    return -(-virtual_size // GIB) * GIB


def listing(files: Layout, disk_format: str) -> list[Manageable]:
    """Every file that is no volume of ours, with the reason if it can't be one."""
    found = []
    for each in files.strangers():
        reason, virtual_size = _inspect(each, disk_format)
        volume, former = files.former(each)
        found.append(
            Manageable(
                {KEY: each.name}, -(-virtual_size // GIB), reason, source_name=volume,
                former_name=former,
            )
        )
    return found


def refused(reference: Mapping[str, str], reason: str) -> exceptions.InvalidReference:
    """The error for a reference that leads to no volume."""
    return exceptions.InvalidReference(reference=dict(reference), reason=reason)


def _inspect(found: Path, disk_format: str) -> tuple[str | None, int]:
    """Why the file can't become a volume, and the bytes of the disk in it."""
    stat = found.lstat()
    if found.is_symlink():
        return "it is a link", 0
    if stat.st_nlink > 1:
        return "the file has another name elsewhere", stat.st_size
    if file_locks.held(found):
        return "a program has it open", stat.st_size
    try:
        content = format_inspector.detect_file_format(str(found))
        if content is None:
            return "its format can't be recognised", stat.st_size
        if disk_format == RAW:
            if str(content) not in _FLAT:
                return f"its content is {content}, and volumes here are raw", stat.st_size
            virtual_size = stat.st_size
        else:
            if str(content) != QCOW2:
                return f"its content is {content}, and volumes here are qcow2", stat.st_size
            content.safety_check()
            virtual_size = content.virtual_size
    except format_inspector.SafetyCheckFailed as error:
        reasons = "; ".join(str(each) for each in error.failures.values())
        return f"its content is not safe: {reasons}", 0
    except format_inspector.ImageFormatError as error:
        return f"its content is malformed: {error}", 0
    except OSError as error:
        return f"it can't be read: {error.strerror}", stat.st_size
    return (None, virtual_size) if virtual_size > 0 else ("it is empty", 0)
