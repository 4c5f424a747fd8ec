"""The device of KVM, which on some hosts is root's alone."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
from typing import Any

from mycloud.privileged import current, errors
from mycloud.privileged.expose import expose

DEVICE = "/dev/kvm"
_NUMBER = os.makedev(10, 232)
_ATTRIBUTE = "system.posix_acl_access"
_VERSION = struct.pack("<I", 2)
# tag, permissions, id
_ENTRY = struct.Struct("<HHI")
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NOBODY = 0xFFFFFFFF
_READ_WRITE = 6


@expose(touches="who may open /dev/kvm, until the machine boots again", idempotent=True)
def kvm_grant() -> dict[str, Any]:
    """Let the service user open the device, beside whoever may already."""
    try:
        fd = os.open(DEVICE, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise errors.Refused(f"This machine has no {DEVICE}") from None
    try:
        found = os.fstat(fd)
        if not stat.S_ISCHR(found.st_mode) or found.st_rdev != _NUMBER:
            raise errors.Refused(f"{DEVICE} is not the device of KVM")
        path, before = f"/proc/self/fd/{fd}", None
        with contextlib.suppress(OSError):
            before = os.getxattr(path, _ATTRIBUTE)
        os.setxattr(path, _ATTRIBUTE, granted(before, found.st_mode, current.service_uid()))
    except OSError as error:
        raise errors.SystemFailed(
            f"Nobody else can be given {DEVICE}: {os.strerror(error.errno or 0)}",
            errno=error.errno,
        ) from None
    finally:
        os.close(fd)
    return {"device": DEVICE, "uid": current.service_uid()}


def granted(before: bytes | None, mode: int, uid: int) -> bytes:
    """An access list by which that user, too, may read and write.

    :param before: the list that there is, if there is one
    :param mode: of the file, where there is none
    """
    if before is None:
        entries = [
            (_USER_OBJ, mode >> 6 & 7, _NOBODY), (_GROUP_OBJ, mode >> 3 & 7, _NOBODY),
            (_OTHER, mode & 7, _NOBODY),
        ]
    else:
        entries = list(_ENTRY.iter_unpack(before[len(_VERSION):]))
    entries = [each for each in entries if each[0] != _MASK and (each[0], each[2]) != (_USER, uid)]
    entries.append((_USER, _READ_WRITE, uid))
    mask = 0
    for tag, permissions, _ in entries:
        if tag in (_USER, _GROUP_OBJ, _GROUP):
            mask |= permissions
    entries.append((_MASK, mask, _NOBODY))
    return _VERSION + b"".join(
        _ENTRY.pack(*each) for each in sorted(entries, key=lambda each: (each[0], each[2]))
    )
