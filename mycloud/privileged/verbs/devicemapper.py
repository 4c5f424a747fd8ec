"""Mappings of the device mapper that something has left behind."""

from __future__ import annotations

import re
from typing import Annotated

from mycloud.privileged import allowed, errors, run
from mycloud.privileged.arguments import Check
from mycloud.privileged.expose import expose

_DMSETUP = "/usr/sbin/dmsetup"
_NAME = re.compile(r"[A-Za-z0-9_+.:][A-Za-z0-9_+.:-]{0,126}")
_GONE = "No such device"

MappingName = Annotated[
    str, Check("the name of a device mapping", lambda value: _NAME.fullmatch(value) is not None)
]


@expose(touches="the device mapper", idempotent=True, deadline=60.0)
def devicemapper_remove(name: MappingName) -> bool:
    """Remove a mapping that nothing uses; whether it was there.

    Fails while something has it open.
    """
    allowed.check(allowed.DEVICE_MAPPINGS, name)
    try:
        run.run([_DMSETUP, "remove", "--retry", name], timeout=60.0)
    except errors.ProgramFailed as error:
        if _GONE in error.details["stderr"]:
            return False
        raise
    return True
