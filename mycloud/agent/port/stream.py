"""A connection as a protocol is given it: bytes to read and to write, with a deadline.

TLS is done here, with OpenSSL working on memory: the socket below stays a plain one of the
process's own kind, so that it is the same in green and in native threads, and can be shut down by
anybody at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import socket
import ssl
from typing import Any

from mycloud.common import clock, concurrency

_CHUNK = 65536
#: What is thrown away of a request that was refused, at most.
_LINGER_SECONDS, _LINGER_BYTES = 2.0, 64 << 20


class TooLong(Exception):
    """A line has no end within the limit."""


@dataclasses.dataclass(frozen=True)
class Peer:
    """Who is at the other end.

    :ivar address: its IP address
    :ivar tls: the connection is encrypted
    :ivar name: the common name in its certificate, which the cloud's authority has signed; None
        without one
    """

    address: str
    tls: bool = False
    name: str | None = None

    @property
    def local(self) -> bool:
        """Whether it is on this very machine."""
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            return False


class Stream:
    """See the module. One thread reads and writes; ``drop`` and ``end_reading`` are for others.

    Every method that reads or writes raises TimeoutError when the deadline has come, and OSError
    when the connection breaks.
    """

    def __init__(self, sock: socket.socket, address: str):
        self.peer = Peer(address)
        self._sock = sock
        self._ends: float | None = None
        #: read from the connection, and not yet by the protocol
        self._buffer = bytearray()
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()

    # -- time and end --------------------------------------------------------------------------

    def limit(self, seconds: float) -> None:
        """Let everything from now on end within that many seconds."""
        self._ends = clock.monotonic() + seconds

    def drop(self) -> None:
        """Break the connection; whoever reads or writes it is woken."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def end_reading(self) -> None:
        """What has been asked may still be answered."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RD)

    def linger(self) -> None:
        """Write nothing more, and throw away what still comes, for a while: a connection that is
        closed while something of it is unread breaks, and the last answer may be lost with it."""
        self._say_good_bye()
        self.limit(_LINGER_SECONDS)
        left = _LINGER_BYTES
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
            while left > 0 and (data := self._receive(_CHUNK)):
                left -= len(data)

    def close(self) -> None:
        """Say good-bye, if that can be said at once, and close."""
        self._say_good_bye()
        self._sock.close()

    def _say_good_bye(self) -> None:
        if self._tls is None:
            return
        with contextlib.suppress(OSError, ValueError):
            self._tls.unwrap()
        with contextlib.suppress(OSError):
            self._sock.settimeout(0)
            self._sock.send(self._outgoing.read())

    # -- TLS -----------------------------------------------------------------------------------

    def secure(self, context: ssl.SSLContext) -> None:
        """Shake hands as the server.

        :raises ssl.SSLError: the other side does not speak TLS, or its certificate is no good
        """
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
            except ssl.SSLError:
                # the other side is told why
                with contextlib.suppress(OSError):
                    self._flush()
                raise
        self._tls = tls
        self._flush()
        self.peer = dataclasses.replace(
            self.peer, tls=True, name=common_name(tls.getpeercert())
        )

    def _feed(self) -> None:
        """:raises ConnectionResetError: the other side has gone in the middle"""
        data = self._receive(_CHUNK)
        if not data:
            raise ConnectionResetError("the connection ended within TLS")
        self._incoming.write(data)

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._send(self._outgoing.read())

    # -- reading -------------------------------------------------------------------------------

    def peek(self, size: int) -> bytes:
        """The first bytes, which stay unread: that many, or fewer if no more come."""
        if self._tls is not None:
            while len(self._buffer) < size and self._fill():
                pass
            return bytes(self._buffer[:size])
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
        try:
            if not concurrency.wait_readable(self._sock, self._left()):
                raise TimeoutError("nothing came in time")
            return self._receive(size, socket.MSG_PEEK)
        finally:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)

    def ready(self) -> bool:
        """Wait for the next byte, which stays unread; False at the end of the connection."""
        return bool(self._buffer) or self._fill()

    def recv(self, size: int) -> bytes:
        """Some bytes; none at the end of the connection."""
        if not self._buffer and self._tls is None:
            return self._receive(size)
        if not self._buffer and not self._fill():
            return b""
        return self._take(size)

    def readline(self, limit: int) -> bytes:
        """Bytes up to the next newline, with it; without one at the end of the connection.

        :raises TooLong: no newline within ``limit`` bytes
        """
        begun = 0
        while True:
            at = self._buffer.find(b"\n", begun, limit)
            if at >= 0:
                return self._take(at + 1)
            if len(self._buffer) >= limit:
                raise TooLong()
            begun = len(self._buffer)
            if not self._fill():
                return self._take(limit)

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _fill(self) -> bool:
        """Read more into the buffer; False at the end."""
        data = self._receive(_CHUNK) if self._tls is None else self._decrypted()
        self._buffer += data
        return bool(data)

    def _decrypted(self) -> bytes:
        assert self._tls is not None
        while True:
            try:
                return self._tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                self._flush()
                data = self._receive(_CHUNK)
                if not data:
                    return b""
                self._incoming.write(data)
            except ssl.SSLZeroReturnError:
                return b""

    # -- writing -------------------------------------------------------------------------------

    def sendall(self, data: bytes | memoryview) -> None:
        """Write all of it."""
        if self._tls is None:
            self._send(data)
            return
        view = memoryview(data)
        while view:
            count = self._tls.write(view[:_CHUNK])
            view = view[count:]
            self._flush()

    # -- the socket ----------------------------------------------------------------------------

    def _left(self) -> float:
        """:raises TimeoutError:"""
        if self._ends is None:
            return 3600.0
        left = self._ends - clock.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has come")
        return left

    def _receive(self, size: int, flags: int = 0) -> bytes:
        self._sock.settimeout(self._left())
        return self._sock.recv(size, flags)

    def _send(self, data: bytes | memoryview) -> None:
        self._sock.settimeout(self._left())
        self._sock.sendall(data)


def common_name(certificate: Any) -> str | None:
    """Whose certificate it is, as ``getpeercert`` shows it; None for none."""
    names = [
        value
        for part in (certificate or {}).get("subject", ())
        for key, value in part
        if key == "commonName"
    ]
    # more than one would let a reader choose
    return names[0] if len(names) == 1 else None
