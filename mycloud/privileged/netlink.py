"""Speaks rtnetlink with the kernel: requests, dumps and attributes, no more.

pyroute2 would double the memory of the root helper; what host networks need fits here.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from types import TracebackType

NEWLINK, DELLINK, GETLINK = 16, 17, 18
NEWADDR, DELADDR, GETADDR = 20, 21, 22
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26

REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
REPLACE, EXCLUSIVE, CREATE = 0x100, 0x200, 0x400

_ERROR, _DONE = 2, 3
_DUMP_INTERRUPTED = 0x10
_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_KIND_MASK = 0x3FFF
_CAPPED, _EXPLAINED = 0x100, 0x200
_EXPLANATION = 1
_BUFFER = 1 << 18
_ANSWER_SECONDS = 10.0
_DUMP_TRIES = 5


class NetlinkError(OSError):
    """The kernel has refused a request; ``strerror`` holds its own words where it has some."""


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to what follows."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + b"\0" * (-length % 4)


def text(kind: int, value: str) -> bytes:
    """An attribute that is a string."""
    return attribute(kind, value.encode() + b"\0")


def number(kind: int, value: int, *, size: int = 4) -> bytes:
    """An attribute that is an unsigned number of 1, 2, 4 or 8 bytes."""
    return attribute(kind, value.to_bytes(size, "little" if _LITTLE else "big"))


def attributes(data: bytes) -> dict[int, bytes]:
    """The attributes that follow a message's fixed part; of equal ones the last."""
    found = {}
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _KIND_MASK] = data[offset + _ATTRIBUTE.size:offset + length]
        offset += length + (-length % 4)
    return found


def as_number(value: bytes) -> int:
    """What ``number`` has packed."""
    return int.from_bytes(value, "little" if _LITTLE else "big")


def as_text(value: bytes) -> str:
    """What ``text`` has packed."""
    return value.rstrip(b"\0").decode(errors="replace")


_LITTLE = struct.pack("=H", 1) == b"\x01\x00"


class Netlink:
    """One socket of rtnetlink, for one thread at a time.

    It speaks with the network namespace that it was opened in.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
        )
        self._socket.bind((0, 0))
        self._socket.settimeout(_ANSWER_SECONDS)
        for option in (_CAP_ACK, _EXT_ACK):
            self._socket.setsockopt(_SOL_NETLINK, option, 1)
        self._sequence = 0

    def __enter__(self) -> Netlink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def change(self, kind: int, body: bytes, *, flags: int = 0) -> None:
        """Ask for a change and wait until it is made.

        :raises NetlinkError: the kernel has refused
        """
        self._send(kind, REQUEST | ACK | flags, body)
        for _ in self._answers():
            pass

    def dump(self, kind: int, body: bytes) -> list[tuple[int, bytes]]:
        """Everything of a kind: the type and the body of each message."""
        for _ in range(_DUMP_TRIES):
            self._send(kind, REQUEST | DUMP, body)
            found = list(self._answers())
            if not any(flags & _DUMP_INTERRUPTED for _, flags, _ in found):
                break
        return [(kind, body) for kind, _, body in found]

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        length = _HEADER.size + len(body)
        self._socket.send(_HEADER.pack(length, kind, flags, self._sequence, 0) + body)

    def _answers(self) -> Iterator[tuple[int, int, bytes]]:
        while True:
            try:
                data = self._socket.recv(_BUFFER)
            except TimeoutError:
                raise NetlinkError(errno.ETIMEDOUT, "the kernel does not answer") from None
            offset = 0
            while offset < len(data):
                length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
                body = data[offset + _HEADER.size:offset + length]
                offset += length + (-length % 4)
                if sequence != self._sequence:
                    continue
                if kind == _ERROR:
                    _check(body, flags)
                    return
                if kind == _DONE:
                    return
                yield kind, flags, body


def _check(body: bytes, flags: int) -> None:
    (code,) = struct.unpack_from("=i", body)
    if code == 0:
        return
    said = ""
    if flags & _EXPLAINED and flags & _CAPPED:
        said = as_text(attributes(body[4 + _HEADER.size:]).get(_EXPLANATION, b""))
    raise NetlinkError(-code, said or os.strerror(-code))
