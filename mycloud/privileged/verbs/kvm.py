"""The device of KVM, which on some hosts is root's alone."""

from __future__ import annotations

import os
import stat
from typing import Any

from mycloud.privileged import acl, current, errors
from mycloud.privileged.expose import expose

DEVICE = "/dev/kvm"
_NUMBER = os.makedev(10, 232)


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
        acl.grant(f"/proc/self/fd/{fd}", current.service_uid(), acl.READ | acl.WRITE)
    except OSError as error:
        raise errors.SystemFailed(
            f"Nobody else can be given {DEVICE}: {os.strerror(error.errno or 0)}",
            errno=error.errno,
        ) from None
    finally:
        os.close(fd)
    return {"device": DEVICE, "uid": current.service_uid()}
