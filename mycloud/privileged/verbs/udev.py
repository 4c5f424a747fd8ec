"""The daemon that makes the nodes and links in /dev."""

from __future__ import annotations

from typing import Annotated, Literal

from mycloud.privileged import errors, run
from mycloud.privileged.arguments import Check
from mycloud.privileged.expose import expose

_UDEVADM = "/usr/bin/udevadm"
_MOST_SECONDS = 120

Seconds = Annotated[
    int, Check(f"seconds from 0 to {_MOST_SECONDS}", lambda value: 0 <= value <= _MOST_SECONDS)
]


@expose(touches="nodes and links in /dev", idempotent=True)
def udev_trigger(subsystem: Literal["block", "net", "iscsi_session", "scsi"]) -> None:
    """Let the rules of udev run again for all devices of a kind."""
    _udevadm(["trigger", "--action=change", f"--subsystem-match={subsystem}"], 30.0)


@expose(touches="nothing", idempotent=True, deadline=_MOST_SECONDS + 10.0)
def udev_settle(seconds: Seconds = 30) -> None:
    """Wait until udev has handled what the kernel told it; fails after that many seconds."""
    _udevadm(["settle", f"--timeout={seconds}"], seconds + 5.0)


def _udevadm(words: list[str], seconds: float) -> None:
    try:
        run.run([_UDEVADM, *words], timeout=seconds)
    except errors.ProgramFailed as error:
        if error.details["status"] == 127:
            raise errors.Refused(
                "udev does not run here (/usr/bin/udevadm is not installed); the nodes in /dev "
                "are the kernel's own"
            ) from None
        raise
