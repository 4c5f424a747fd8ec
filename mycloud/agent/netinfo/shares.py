"""The shares of networks in what interfaces send, as the kernel has them; see ``tc.qos``."""

from __future__ import annotations

import struct
from typing import Any

from mycloud.agent.netinfo.netlink import Netlink
from mycloud.privileged.netlink import as_number, as_text, attributes
from mycloud.privileged.tc import qos

UNTAGGED = "untagged"

_TC = struct.Struct("=BxxxiIII")
_KIND, _OPTIONS, _STATS2 = 1, 2, 7
_BASIC = 1
_PARMS, _RATE64, _CEIL64 = 1, 6, 7
#: struct tc_htb_opt: the rates of two struct tc_ratespec, and the quantum
_HTB = struct.Struct("=8xI8xI8xI")
_ROOT = 0xFFFFFFFF


def of_interfaces(netlink: Netlink) -> dict[int, dict[str, dict[str, Any]]]:
    """By index of the interface and tag (or ``UNTAGGED``): ``share``, ``limit_bps`` and
    ``guaranteed_bps`` (None: none), and ``sent_bytes`` since it was given.

    :raises NetlinkFailed: the kernel does not tell
    """
    return {
        index: _networks(netlink, index)
        for _, index, handle, parent, _ in (
            _TC.unpack_from(body) for _, body in netlink.disciplines()
        )
        if (handle, parent) == (_handle(qos.HANDLE), _ROOT)
    }


def _networks(netlink: Netlink, index: int) -> dict[str, dict[str, Any]]:
    found = {}
    for _, body in netlink.classes(index):
        classid = _TC.unpack_from(body)[2]
        told = attributes(body[_TC.size:])
        ours = classid >> 16 == _handle(qos.HANDLE) >> 16
        if not ours or classid in _NO_NETWORKS or as_text(told.get(_KIND, b"")) != "htb":
            continue
        name = UNTAGGED if classid == _handle(qos.UNTAGGED) else str(classid & 0xFFFF)
        found[name] = {
            **_share(attributes(told.get(_OPTIONS, b""))),
            "sent_bytes": as_number(attributes(told.get(_STATS2, b"")).get(_BASIC, b"")[:8]),
        }
    return found


def _share(options: dict[int, bytes]) -> dict[str, Any]:
    rate, ceil, quantum = _HTB.unpack_from(options[_PARMS])
    # bytes a second; above 32 bits they are told apart
    rate = as_number(options[_RATE64]) if _RATE64 in options else rate
    ceil = as_number(options[_CEIL64]) if _CEIL64 in options else ceil
    share = qos.outbound(rate * 8, ceil * 8, quantum)
    return {
        "share": share.share, "limit_bps": share.limit, "guaranteed_bps": share.guaranteed,
    }


def _handle(words: str) -> int:
    major, _, minor = words.partition(":")
    return int(major, 16) << 16 | int(minor or "0", 16)


_NO_NETWORKS = {_handle(qos.ROOT), _handle(qos.OTHERS)}
