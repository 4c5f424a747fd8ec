"""Serves the helper's socket: one loop reads, a bounded number of threads run the calls.

Peers are known by ``SO_PEERCRED`` before a byte of theirs is read.  Whoever sends half a frame,
garbage, or doesn't take an answer is dropped at a deadline; nobody else waits for that.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import logging
import os
import selectors
import socket
import struct
import threading
import time
from collections.abc import Mapping

from mycloud.privileged import calls, errors, protocol
from mycloud.privileged.connections import Connection
from mycloud.privileged.discovery import Verb
from mycloud.privileged.workers import Workers

LOG = logging.getLogger(__name__)

_CREDENTIALS = struct.Struct("3i")
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
CONNECTIONS = 4096


@dataclasses.dataclass(frozen=True)
class Limits:
    """:ivar workers: calls that run at once; more wait
    :ivar connections: at once; more are closed at the door
    :ivar patience: seconds for a whole frame to come, for a first one, and for an answer to be
        taken
    :ivar drain: seconds that calls may still run after SIGTERM
    :ivar look: seconds between two looks for what is past its time
    """

    workers: int = 64
    connections: int = CONNECTIONS
    patience: float = 10.0
    drain: float = 60.0
    look: float = 0.5


class _Run:
    """A call under way."""

    def __init__(self, connection: Connection, request: protocol.Request, until: float):
        self.connection, self.request, self.until = connection, request, until
        self.started = self.answered = self.given_up = False
        self._guard = threading.Lock()

    def answer(self) -> bool:
        """True for the first who asks: the one to send the answer."""
        with self._guard:
            first, self.answered = not self.answered, True
        return first


class Server:
    """:param uids: whose connections are taken"""

    def __init__(
        self, listener: socket.socket, verbs: Mapping[str, Verb], uids: frozenset[int],
        *, limits: Limits = Limits(),
    ):
        self._listener, self._verbs, self._uids, self._limits = listener, verbs, uids, limits
        self._workers = Workers(limits.workers)
        self._connections: set[Connection] = set()
        self._running: set[_Run] = set()
        self._ended: collections.deque[Connection] = collections.deque()
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stopping = False
        listener.setblocking(False)

    def stop(self) -> None:
        """Take no more calls, end when those under way have ended; for signal handlers."""
        self._stopping = True
        self._ring()

    def serve(self) -> None:
        """Until ``stop``."""
        self._selector.register(self._listener, _READ, self._accept)
        self._selector.register(self._woken, _READ, self._heard)
        looked = time.monotonic()
        while not self._stopping:
            pause = self._limits.look * (1 if self._running else 4)
            for key, events in self._selector.select(pause):
                if isinstance(key.data, Connection):
                    self._ready(key.data, events)
                else:
                    key.data()
            if time.monotonic() - looked >= self._limits.look:
                looked = time.monotonic()
                self._look(looked)
        self._drain()

    # --- the loop

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError as error:
            LOG.warning("A connection can't be taken: %s", error)
            return
        pid, uid, _ = _CREDENTIALS.unpack(
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        if uid not in self._uids or len(self._connections) >= self._limits.connections:
            why = "is not served" if uid not in self._uids else "came when the house was full"
            LOG.warning("Process %s of uid %s %s", pid, uid, why)
            sock.close()
            return
        sock.setblocking(False)
        connection = Connection(sock, uid)
        self._connections.add(connection)
        self._selector.register(sock, _READ, connection)

    def _ready(self, connection: Connection, events: int) -> None:
        if connection.closed:
            return
        if connection.out:
            self._flush(connection)
        elif connection.busy:
            # it talks on, or has gone: both wait until its call has ended
            self._pause(connection)
        elif events & _READ:
            self._read(connection)

    def _read(self, connection: Connection, *, come: bool = False) -> None:
        """:param come: only what has been read already"""
        try:
            body = connection.take() if come else connection.read()
            if body is None:
                return
            request = protocol.request(body)
        except EOFError:
            self._close(connection)
            return
        except errors.Malformed as error:
            LOG.warning("A peer of uid %s sends no calls: %s", connection.uid, error.message)
            connection.refuse(error)
            self._close(connection)
            return
        now = time.monotonic()
        run = _Run(connection, request, now + calls.deadline_of(self._verbs, request))
        connection.since = None
        connection.busy = True
        # what has come of the next frame is looked at when this call has ended
        connection.paused = connection.more
        self._running.add(run)
        self._workers.give(functools.partial(self._run, run))

    def _pause(self, connection: Connection) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(connection.sock)
        connection.paused = True
        if not connection.busy:
            self._ended.append(connection)
            self._ring()

    def _flush(self, connection: Connection) -> None:
        try:
            if connection.flush():
                self._watch(connection)
        except EOFError:
            self._close(connection)

    def _watch(self, connection: Connection) -> None:
        """For what it is to do next."""
        wanted = _WRITE if connection.out else _READ
        connection.paused = False
        try:
            self._selector.modify(connection.sock, wanted, connection)
        except KeyError:
            self._selector.register(connection.sock, wanted, connection)

    def _heard(self) -> None:
        """Calls have ended whose connections need the loop."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 4096)
        while self._ended:
            connection = self._ended.popleft()
            if connection.closed:
                continue
            self._watch(connection)
            if connection.more and not connection.busy:
                connection.since = time.monotonic()
                self._read(connection, come=True)

    def _close(self, connection: Connection) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection.sock)
        self._connections.discard(connection)
        connection.close()

    def _look(self, now: float) -> None:
        """End what is past its time."""
        for connection in list(self._connections):
            since = connection.since
            if since is not None and now - since > self._limits.patience:
                LOG.warning("A peer of uid %s was too slow", connection.uid)
                self._close(connection)
        for run in [each for each in self._running if now > each.until]:
            if run.started and not run.given_up:
                run.given_up = True
                self._workers.allow(1)
            if run.answer():
                self._send(run.connection, calls.Answer(_late(run)))

    # --- the workers

    def _run(self, run: _Run) -> None:
        run.started = True
        if time.monotonic() > run.until or run.connection.closed:
            answer = calls.Answer(_late(run))
        else:
            answer = calls.run(self._verbs, run.request, run.connection.uid, run.until)
        self._running.discard(run)
        if run.given_up:
            self._workers.allow(-1)
        if run.answer():
            self._send(run.connection, answer)
        else:
            answer.close()
        if self._stopping:
            self._ring()

    def _send(self, connection: Connection, answer: calls.Answer) -> None:
        try:
            whole = connection.send(answer)
        except EOFError:
            # the loop finds its end by itself
            connection.busy = False
            whole = True
        if not whole or connection.paused:
            self._ended.append(connection)
            self._ring()

    def _ring(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake, b"!")

    # --- the end

    def _drain(self) -> None:
        """Answer the calls under way; what has come and was not read is not begun."""
        LOG.info("Stopping: %d calls under way", len(self._running))
        self._selector.unregister(self._listener)
        self._listener.close()
        for connection in list(self._connections):
            if not connection.busy:
                self._close(connection)
        until = time.monotonic() + self._limits.drain
        while self._unfinished() and time.monotonic() < until:
            for key, _ in self._selector.select(self._limits.look):
                if not isinstance(key.data, Connection):
                    key.data()
                elif key.data.out:
                    self._flush(key.data)
                else:
                    self._pause(key.data) if key.data.busy else self._close(key.data)
            self._look(time.monotonic())
        for connection in list(self._connections):
            self._close(connection)
        left = len(self._running)
        LOG.log(logging.WARNING if left else logging.INFO, "Stopped; %d calls cut off", left)

    def _unfinished(self) -> bool:
        return bool(self._running) or any(each.out for each in self._connections)


def _late(run: _Run) -> bytes:
    """:ivar started: in the details: nothing was done if it is false"""
    return protocol.failure(
        run.request.id,
        errors.DeadlineExceeded(
            f"{run.request.verb[:64]} did not end in time"
            + ("; it still runs" if run.started else "; it was not begun"),
            started=run.started,
        ),
    )
