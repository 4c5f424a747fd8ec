"""One peer of the helper: what has come of its next frame, and what is left of its answer."""

from __future__ import annotations

import socket
import sys
import threading
import time

from mycloud.privileged import calls, errors, protocol

_READ_BYTES = 1 << 16


class Connection:
    """Read by the loop alone; its answers are sent by whoever ran the call.

    :ivar busy: a call of it is under way: nothing is read until its answer is out
    :ivar paused: the loop doesn't watch it; whoever ends the call says so
    :ivar out: what the socket didn't take yet
    :ivar since: when what it is to do next has begun, by ``time.monotonic``; None: it may take
        its time
    """

    def __init__(self, sock: socket.socket, uid: int):
        self.sock = sock
        self.uid = uid
        self.busy = False
        self.paused = False
        self.closed = False
        self.out = b""
        self.since: float | None = time.monotonic()
        self._buffer = bytearray()
        self._sending = threading.Lock()

    def read(self) -> bytes | None:
        """The next whole frame, or None: more must come.

        :raises Malformed: the peer speaks something else
        :raises EOFError: it has gone
        """
        try:
            data = self.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            raise EOFError from None
        if not data:
            raise EOFError
        if not self._buffer and self.since is None:
            self.since = time.monotonic()
        self._buffer += data
        return self.take()

    @property
    def more(self) -> bool:
        """Something of the next frame has come already."""
        return bool(self._buffer)

    def take(self) -> bytes | None:
        """A whole frame of what has been read.

        :raises Malformed:
        """
        size = protocol.HEADER.size
        if len(self._buffer) < size:
            return None
        end = size + protocol.length(bytes(self._buffer[:size]))
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[size:end])
        del self._buffer[:end]
        self.since = time.monotonic() if self._buffer else None
        return body

    def send(self, answer: calls.Answer) -> bool:
        """Send what the socket takes at once; True when that is all. Its descriptors are closed.

        :raises EOFError: the peer has gone
        """
        packed = b"".join(fd.to_bytes(4, sys.byteorder) for fd in answer.fds)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, packed)] if packed else []
        with self._sending:
            try:
                if self.closed:
                    raise EOFError
                self.busy = False
                sent = self.sock.sendmsg([answer.frame], rights)
            except BlockingIOError:
                sent = 0
                if rights:
                    raise EOFError from None
            except OSError:
                raise EOFError from None
            finally:
                answer.close()
            if sent < len(answer.frame):
                self.busy = True
                self.out = answer.frame[sent:]
                self.since = time.monotonic()
            return not self.out

    def flush(self) -> bool:
        """Send more of what is left; True when that is all.

        :raises EOFError: the peer has gone
        """
        with self._sending:
            try:
                self.out = self.out[self.sock.send(self.out):]
            except BlockingIOError:
                return False
            except OSError:
                raise EOFError from None
            if not self.out:
                self.busy, self.since = False, None
            return not self.out

    def refuse(self, error: errors.PrivilegedError) -> None:
        """Tell why nothing more is read; as far as the socket takes it."""
        try:
            self.send(calls.Answer(protocol.failure(error.details.get("id"), error)))
        except EOFError:
            pass

    def close(self) -> None:
        """Not while an answer is being sent, or it could go to who gets the number next."""
        with self._sending:
            self.closed = True
            self.sock.close()
