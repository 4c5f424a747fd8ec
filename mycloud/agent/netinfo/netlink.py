"""Asking the kernel for all its links, addresses, routes and counters, one question each.

pyroute2 knows the messages; the socket is our own, of the process's kind: it yields to other green
threads, which pyroute2's event loops don't.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

from pyroute2.netlink import rtnl
from pyroute2.netlink.rtnl.marshal import MarshalRtnl

from mycloud.common import concurrency, exceptions

#: a decoded message: its fields by name, ``get_attr`` and, on events, ``event``
Message = Any

_HEADER = struct.Struct("=LHHLL")
_REQUEST, _DUMP = 0x001, 0x300
_ERROR, _DONE = 2, 3
_INTERRUPTED = 0x10
_BUFFER = 1 << 18
#: the kernel says that something changed while it was telling: ask again so often
_ATTEMPTS = 5
_STATS_LINK_64 = 1
_EXT_MASK, _SKIP_STATS = 29, 8
_COUNTERS = struct.Struct("=8Q")
_COUNTER_NAMES = (
    "rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped",
    "tx_dropped",
)


def open_socket(groups: int = 0) -> socket.socket:
    """A socket for questions or, with a mask of groups, for events; of the caller's namespace."""
    found = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        found.bind((0, groups))
    except OSError:
        found.close()
        raise
    return found


def decode(data: bytes) -> Iterator[Message]:
    """The messages in what a socket has received."""
    yield from MarshalRtnl().parse(data)


class Netlink:
    """Questions to the kernel, one at a time; of the network namespace that it was made in."""

    def __init__(self) -> None:
        self._socket = open_socket()
        self._lock = concurrency.Lock()
        self._number = 0

    def close(self) -> None:
        self._socket.close()

    def links(self) -> list[Message]:
        """Every interface; its bridge's, bond's or VLAN's properties are part of it."""
        # struct ifinfomsg; the extended filter leaves out counters
        without_counters = struct.pack("=HHL", 8, _EXT_MASK, _SKIP_STATS)
        return self._messages(rtnl.RTM_GETLINK, bytes(16) + without_counters)

    def addresses(self) -> list[Message]:
        """Every address of both families."""
        return self._messages(rtnl.RTM_GETADDR, bytes(8))

    def routes(self, family: int = socket.AF_UNSPEC) -> list[Message]:
        """Every route of every table."""
        return self._messages(rtnl.RTM_GETROUTE, struct.pack("=B11x", family))

    def rules(self, family: int = socket.AF_UNSPEC) -> list[Message]:
        """Every rule that chooses a table."""
        return self._messages(rtnl.RTM_GETRULE, struct.pack("=B11x", family))

    def counters(self) -> dict[int, dict[str, int]]:
        """What each interface has received and sent since it was made, by its index."""
        found = {}
        body = struct.pack("=BBHLL", 0, 0, 0, 0, 1 << (_STATS_LINK_64 - 1))
        for data in self._dump(rtnl.RTM_GETSTATS, body):
            for start, end in _bounds(data):
                # the header and struct if_stats_msg, then attributes
                (index,) = struct.unpack_from("=L", data, start + 20)
                length, kind = struct.unpack_from("=HH", data, start + 28)
                if kind == _STATS_LINK_64 and start + 28 + length <= end:
                    values = _COUNTERS.unpack_from(data, start + 32)
                    found[index] = dict(zip(_COUNTER_NAMES, values, strict=True))
        return found

    def _messages(self, kind: int, body: bytes) -> list[Message]:
        return [message for data in self._dump(kind, body) for message in decode(data)]

    def _dump(self, kind: int, body: bytes) -> list[bytes]:
        """:raises NetlinkFailed: the kernel refuses, or changes faster than it can tell"""
        with self._lock:
            for _ in range(_ATTEMPTS):
                whole, parts = self._ask(kind, body)
                if whole:
                    return parts
        raise exceptions.NetlinkFailed(reason="it changes faster than it can be read")

    def _ask(self, kind: int, body: bytes) -> tuple[bool, list[bytes]]:
        self._number += 1
        self._socket.send(
            _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | _DUMP, self._number, 0) + body
        )
        parts, whole = [], True
        while True:
            data = self._socket.recv(_BUFFER)
            last = None
            for start, _ in _bounds(data):
                _, kind_of, flags, number, _ = _HEADER.unpack_from(data, start)
                if number != self._number:
                    continue
                whole = whole and not flags & _INTERRUPTED
                if kind_of == _ERROR:
                    (code,) = struct.unpack_from("=i", data, start + _HEADER.size)
                    if code:
                        name = errno.errorcode.get(-code, str(-code))
                        raise exceptions.NetlinkFailed(reason=f"{os.strerror(-code)} ({name})")
                if kind_of in (_DONE, _ERROR):
                    last = start
            if last is None:
                parts.append(data)
            else:
                parts.append(data[:last])
                return whole, [part for part in parts if part]


def _bounds(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each message in it begins and ends."""
    at = 0
    while at + _HEADER.size <= len(data):
        (length,) = struct.unpack_from("=L", data, at)
        if length < _HEADER.size or at + length > len(data):
            return
        yield at, at + length
        at += (length + 3) & ~3
