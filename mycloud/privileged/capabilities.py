"""Gives up what no verb needs: of root's powers only these are left, for good."""

from __future__ import annotations

import ctypes
import os

#: What is kept, and what for. Numbers of linux/capability.h.
KEPT = {
    "CAP_CHOWN": 0,  # files that the service user is to have
    "CAP_DAC_OVERRIDE": 1,  # its directories
    "CAP_DAC_READ_SEARCH": 2,
    "CAP_FOWNER": 3,
    "CAP_KILL": 5,
    "CAP_SETGID": 6,  # programs that become an ordinary user
    "CAP_SETUID": 7,
    "CAP_NET_BIND_SERVICE": 10,
    "CAP_NET_ADMIN": 12,  # links, addresses, routes, tc, taps
    "CAP_NET_RAW": 13,  # LLDP and ARP
    "CAP_IPC_LOCK": 14,  # LVM locks itself into memory while it suspends a device
    "CAP_SYS_MODULE": 16,  # the kernel loads a link's driver for us
    "CAP_SYS_RAWIO": 17,  # DMI tables, SCSI inquiries
    "CAP_SYS_CHROOT": 18,
    "CAP_SYS_PTRACE": 19,  # who has a file open
    "CAP_SYS_ADMIN": 21,  # mounts, device mapper, network namespaces
    "CAP_SYS_NICE": 23,
    "CAP_SYS_RESOURCE": 24,
    "CAP_MKNOD": 27,  # device nodes of LVM
}

_PR_CAPBSET_READ, _PR_CAPBSET_DROP = 23, 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_VERSION_3 = 0x20080522
_LAST = 63

_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Data(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def drop() -> None:
    """Keep ``KEPT`` alone, in this process and in all that it starts; none can gain more.

    :raises OSError: the kernel does not let us
    """
    kept = set(KEPT.values())
    for number in range(_LAST + 1):
        if number not in kept and _libc.prctl(_PR_CAPBSET_READ, number, 0, 0, 0) == 1:
            _check(_libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0))
    _check(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
    header, data = _Header(_VERSION_3, 0), (_Data * 2)()
    _check(_libc.capget(ctypes.byref(header), data))
    for half in (0, 1):
        mask = sum(1 << number - 32 * half for number in kept if number // 32 == half)
        data[half].effective &= mask
        data[half].permitted &= mask
        data[half].inheritable = 0
    _check(_libc.capset(ctypes.byref(header), data))
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"Root's powers can't be given up: {os.strerror(number)}")
