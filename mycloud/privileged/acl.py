"""Access lists of files, as the kernel keeps them: a right for one more user."""

from __future__ import annotations

import contextlib
import os
import struct

READ, WRITE, PASS = 4, 2, 1
_ATTRIBUTE = "system.posix_acl_access"
_VERSION = struct.pack("<I", 2)
# tag, permissions, id
_ENTRY = struct.Struct("<HHI")
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NOBODY = 0xFFFFFFFF


def grant(path: str, uid: int, permissions: int) -> None:
    """Let that user do this, too, beside whoever may already.

    :raises OSError: its file system has no access lists, for one
    """
    before = None
    with contextlib.suppress(OSError):
        before = os.getxattr(path, _ATTRIBUTE)
    os.setxattr(path, _ATTRIBUTE, granted(before, os.stat(path).st_mode, uid, permissions))


def granted(before: bytes | None, mode: int, uid: int, permissions: int) -> bytes:
    """The list with one more user.

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
    entries.append((_USER, permissions, uid))
    mask = 0
    for tag, allowed, _ in entries:
        if tag in (_USER, _GROUP_OBJ, _GROUP):
            mask |= allowed
    entries.append((_MASK, mask, _NOBODY))
    return _VERSION + b"".join(
        _ENTRY.pack(*each) for each in sorted(entries, key=lambda each: (each[0], each[2]))
    )
