"""Tap devices: a process that has the descriptor needs no right to the network."""

from __future__ import annotations

import fcntl
import os
import struct
from typing import Any

from mycloud.privileged import descriptors, errors
from mycloud.privileged.arguments import InterfaceName
from mycloud.privileged.expose import expose

_TUNSETIFF = 0x400454CA
_TUNSETPERSIST = 0x400454CB
_TUNSETOWNER = 0x400454CC
_IFF_TAP = 0x0002
_IFF_NO_PI = 0x1000
_IFF_VNET_HDR = 0x4000
_IFF_MULTI_QUEUE = 0x0100
_REQUEST = struct.Struct("16sH22x")


@expose(touches="one tap device", idempotent=True)
def tap_open(
    name: InterfaceName, *, owner: int | None = None, persistent: bool = False,
    multi_queue: bool = False,
) -> descriptors.Opened:
    """Open a tap device, made if it is not there; it goes with its last descriptor.

    :param owner: id of the user who may open it, too
    :param persistent: it stays without a descriptor
    """
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        flags = _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR | (_IFF_MULTI_QUEUE if multi_queue else 0)
        answer = fcntl.ioctl(fd, _TUNSETIFF, _REQUEST.pack(name.encode(), flags))
        if owner is not None:
            fcntl.ioctl(fd, _TUNSETOWNER, owner)
        if persistent:
            fcntl.ioctl(fd, _TUNSETPERSIST, 1)
    except OSError as error:
        os.close(fd)
        raise errors.SystemFailed(
            f"The tap device {name} can't be opened: {os.strerror(error.errno or 0)}",
            errno=error.errno,
        ) from None
    value: dict[str, Any] = {"name": _REQUEST.unpack(answer)[0].rstrip(b"\0").decode()}
    return descriptors.Opened(value, (fd,))
