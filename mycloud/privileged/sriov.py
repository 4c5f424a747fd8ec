"""Virtual functions of NICs (SR-IOV), by the files of the kernel."""

from __future__ import annotations

import errno
from pathlib import Path

from mycloud.privileged import errors

SYS = Path("/sys")


def set_vfs(device: str, count: int, *, sys: Path = SYS) -> int:
    """Let a NIC have that many virtual functions; returns how many it had.

    The kernel makes them from none only, so those that are there go first, with what uses them.

    :raises Refused: the NIC can't have so many; nothing is changed
    :raises SystemFailed: the driver refuses; there are as many as before
    """
    place = sys / "class/net" / device / "device"
    try:
        total = int((place / "sriov_totalvfs").read_text())
        before = int((place / "sriov_numvfs").read_text())
    except FileNotFoundError:
        raise errors.Refused(f"{device} is no NIC that has virtual functions") from None
    if not 0 <= count <= total:
        raise errors.Refused(f"{device} can have 0 to {total} virtual functions, not {count}")
    if count == before:
        return before
    control = place / "sriov_numvfs"
    try:
        if before and count:
            _write(control, 0)
        _write(control, count)
    except OSError as error:
        _back(control, before)
        number = error.errno or errno.EIO
        raise errors.SystemFailed(
            f"{device} does not get {count} virtual functions: {error.strerror} "
            f"({errno.errorcode.get(number, number)})", errno=number,
        ) from error
    return before


def _back(control: Path, count: int) -> None:
    try:
        if int(control.read_text()) != count:
            _write(control, count)
    except OSError:
        pass  # the first error is told


def _write(control: Path, count: int) -> None:
    # one write, as the kernel wants it
    with control.open("r+b", buffering=0) as file:
        file.write(f"{count}\n".encode())
