"""Asking the kernel for all its links, addresses, routes and counters, one question each.

Nothing here needs root. The socket is of the process's kind: it yields to other green threads.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from mycloud.common import concurrency, exceptions
from mycloud.privileged import netlink as rtnetlink

#: the type of a message, and all that follows its header
Message = tuple[int, bytes]

GETRULE, GETQDISC, GETTCLASS, GETSTATS = 34, 38, 42, 94
#: what events and answers are told by: their kind, and whether something came or went
EVENTS = {
    16: "newlink", 17: "dellink", 20: "newaddr", 21: "deladdr", 24: "newroute", 25: "delroute",
    32: "newrule", 33: "delrule",
}

_HEADER = struct.Struct("=IHHII")
_EXT_MASK, _SKIP_STATS = 29, 8
_STATS_LINK_64 = 1
_STATS_HEADER = struct.Struct("=BBHII")
_TC_HEADER = struct.Struct("=BxxxiIII")
_COUNTERS = struct.Struct("=8Q")
_COUNTER_NAMES = (
    "rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped",
    "tx_dropped",
)


def open_socket(groups: int) -> socket.socket:
    """A socket that hears the events of a mask of groups; of the caller's namespace."""
    found = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
    )
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        found.bind((0, groups))
    except OSError:
        found.close()
        raise
    return found


def messages(data: bytes) -> Iterator[Message]:
    """Those in what a socket has received."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            return
        yield kind, data[at + _HEADER.size:at + length]
        at += length + (-length % 4)


class Netlink:
    """Questions to the kernel, one at a time; of the network namespace that it was made in.

    All raise ``NetlinkFailed`` if the kernel refuses.
    """

    def __init__(self) -> None:
        self._netlink = rtnetlink.Netlink()
        self._lock = concurrency.Lock()

    def close(self) -> None:
        self._netlink.__exit__(None, None, None)

    def links(self) -> list[Message]:
        """Every interface; its bridge's, bond's or VLAN's properties are part of it."""
        # struct ifinfomsg; the extended filter leaves out counters
        without_counters = rtnetlink.number(_EXT_MASK, _SKIP_STATS)
        return self._dump(rtnetlink.GETLINK, bytes(16) + without_counters)

    def addresses(self) -> list[Message]:
        """Every address of both families."""
        return self._dump(rtnetlink.GETADDR, bytes(8))

    def routes(self) -> list[Message]:
        """Every route of every table, of both families."""
        return self._dump(rtnetlink.GETROUTE, bytes(12))

    def rules(self) -> list[Message]:
        """Every rule that chooses a table."""
        return self._dump(GETRULE, bytes(12))

    def disciplines(self) -> list[Message]:
        """What queues the packets of every interface."""
        return self._dump(GETQDISC, _TC_HEADER.pack(0, 0, 0, 0, 0))

    def classes(self, index: int) -> list[Message]:
        """The classes of an interface's queueing disciplines."""
        return self._dump(GETTCLASS, _TC_HEADER.pack(0, index, 0, 0, 0))

    def counters(self) -> dict[int, dict[str, int]]:
        """What each interface has received and sent since it was made, by its index."""
        found = {}
        for _, body in self._dump(GETSTATS, _STATS_HEADER.pack(0, 0, 0, 0, 1)):
            index = _STATS_HEADER.unpack_from(body)[3]
            values = rtnetlink.attributes(body[_STATS_HEADER.size:]).get(_STATS_LINK_64, b"")
            if len(values) >= _COUNTERS.size:
                numbers = _COUNTERS.unpack_from(values)
                found[index] = dict(zip(_COUNTER_NAMES, numbers, strict=True))
        return found

    def _dump(self, kind: int, body: bytes) -> list[Message]:
        with self._lock:
            try:
                return self._netlink.dump(kind, body)
            except rtnetlink.NetlinkError as error:
                raise exceptions.NetlinkFailed(reason=error.strerror) from error
