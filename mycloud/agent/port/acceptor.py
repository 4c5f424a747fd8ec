"""Accepts connections, finds out what they speak, and hands them over; bounded everywhere.

A connection begins at its greeting: the TLS handshake and the first bytes of its protocol, within
a deadline. So many may be at it at a time; one more makes that one drop that has been at it for
longest, so whoever says nothing can't keep out whoever does. From then on it is served, in a
thread of its own; beyond the bound for those, connections are closed.
"""

from __future__ import annotations

import collections
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from mycloud.agent.port import protocol
from mycloud.agent.port.protocol import Detector
from mycloud.agent.port.settings import PortSettings
from mycloud.agent.port.stream import Stream
from mycloud.agent.scheduler import Call, Scheduler
from mycloud.common import clock, concurrency, exceptions

LOG = logging.getLogger(__name__)

_BACKLOG = 1024
#: Seconds until an address that can't be had is tried again.
_AGAIN_SECONDS = 5.0
#: Seconds that a stop lets connections answer what they were asked.
_PATIENCE = 5.0


class Acceptor:
    """The listening socket and all its connections.

    :param tls: makes the context to speak TLS with, at each start; None speaks plainly
    """

    def __init__(
        self, settings: PortSettings, detectors: Sequence[Detector], scheduler: Scheduler,
        *, tls: Callable[[], ssl.SSLContext] | None = None,
    ):
        self._settings = settings
        self._detectors = list(detectors)
        self._scheduler = scheduler
        self._make_tls = tls
        self._tls: ssl.SSLContext | None = None
        self._sock: socket.socket | None = None
        self._again: Call | None = None
        self._accepting: concurrency.Task[None] | None = None
        self._stopping = False
        self._condition = concurrency.Condition(reentrant=False)
        #: in the order of their arrival
        self._greeting: dict[Stream, None] = {}
        self._served: dict[Stream, str] = {}
        #: all that are not closed
        self._open_streams = 0
        #: what has become of connections, and how often
        self.counts: collections.Counter[str] = collections.Counter()

    # -- life ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen. While the address can't be had, or the certificate be read, go on trying: the
        host does its other work meanwhile."""
        self._stopping = False
        self._open()

    def stop(self) -> None:
        """Accept nothing more, let what was asked be answered, close all."""
        self._stopping = True
        if self._again is not None:
            self._again.cancel()
        if self._sock is not None:
            # closing alone would leave accept() waiting
            try:
                self._sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # on its way already
        if self._accepting is not None:
            self._accepting.ended(_PATIENCE)
        with self._condition:
            for stream in self._greeting:
                stream.drop()
            for stream in self._served:
                stream.end_reading()
        if not self._wait_empty(_PATIENCE):
            with self._condition:
                for stream in self._served:
                    stream.drop()
            self._wait_empty(_PATIENCE)

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it listens; None while it does not."""
        if self._sock is None:
            return None
        host, port = self._sock.getsockname()[:2]
        return host, port

    @property
    def url(self) -> str | None:
        """Where others reach it; None while it does not listen."""
        if self.address is None:
            return None
        name = self._settings.address or self.address[0]
        scheme = "https" if self._tls is not None else "http"
        return f"{scheme}://{f'[{name}]' if ':' in name else name}:{self.address[1]}"

    def published(self) -> dict[str, Any]:
        """Where the control plane and other hosts find the agent."""
        return {"agent_url": self.url} if self.url else {}

    def look(self) -> dict[str, Any]:
        """What there is to see: connections by where they are, and what became of the others."""
        with self._condition:
            return {
                "url": self.url,
                "greeting": len(self._greeting),
                "served": dict(collections.Counter(self._served.values())),
                "counts": dict(self.counts),
            }

    # -- listening -----------------------------------------------------------------------------

    def _open(self) -> None:
        settings = self._settings
        self._again = None
        if self._stopping:
            return
        try:
            if self._make_tls is not None:
                self._tls = self._make_tls()
            sock = self._listen()
        except (OSError, exceptions.CertificatesBroken) as error:
            LOG.error(
                "The agent can't listen on %s port %d: %s It is tried again in %g s",
                settings.listen, settings.port, error, _AGAIN_SECONDS,
            )
            self._again = self._scheduler.schedule(_AGAIN_SECONDS, self._open)
            return
        self._sock = sock
        LOG.info("The agent listens at %s", self.url)
        self._accepting = concurrency.spawn(self._accept, sock)

    def _listen(self) -> socket.socket:
        settings = self._settings
        try:
            return _listen(settings.listen, settings.port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not settings.any_port:
                raise
        LOG.warning("Port %d is another program's; the agent takes any", settings.port)
        return _listen(settings.listen, 0)

    def _accept(self, sock: socket.socket) -> None:
        try:
            while not self._stopping:
                self._accept_one(sock)
        finally:
            self._sock = None
            sock.close()
            if not self._stopping:
                # nobody else would ever notice
                LOG.error("The agent does not listen any more", exc_info=True)
                self._again = self._scheduler.schedule(_AGAIN_SECONDS, self._open)

    def _accept_one(self, sock: socket.socket) -> None:
        try:
            connection, address = sock.accept()
        except OSError as error:
            if self._stopping:
                return
            # a connection that is gone already, or no descriptors left
            self.counts["lost"] += 1
            LOG.debug("A connection was not accepted: %s", error)
            concurrency.sleep(0.05 if error.errno in (errno.EMFILE, errno.ENFILE) else 0)
            return
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            self.counts["gone"] += 1
            connection.close()
            return
        self._greet(connection, str(address[0]))

    def _greet(self, connection: socket.socket, address: str) -> None:
        stream = Stream(connection, address)
        self.counts["accepted"] += 1
        with self._condition:
            if len(self._greeting) >= self._settings.max_greeting:
                oldest = next(iter(self._greeting))
                # its thread ends it; it counts no longer
                del self._greeting[oldest]
                oldest.drop()
                self.counts["crowded out"] += 1
            self._greeting[stream] = None
            self._open_streams += 1
        try:
            concurrency.spawn(self._live, stream)
        except RuntimeError as error:
            LOG.warning("No thread for a connection: %s", error)
            self._bury(stream)

    # -- one connection ------------------------------------------------------------------------

    def _live(self, stream: Stream) -> None:
        task = concurrency.Task(self._speak, (stream,), {})
        try:
            task.run()
        finally:
            self._bury(stream)
        if isinstance(task.error, OSError):
            LOG.debug("A connection of %s has ended: %s", stream.peer.address, task.error)
        elif task.error is not None:
            self.counts["failed"] += 1
            LOG.error("A connection of %s has failed", stream.peer.address, exc_info=task.error)

    def _bury(self, stream: Stream) -> None:
        stream.close()
        with self._condition:
            self._greeting.pop(stream, None)
            self._served.pop(stream, None)
            self._open_streams -= 1
            self._condition.notify_all()

    def _speak(self, stream: Stream) -> None:
        found = self._introduced(stream)
        if found is None:
            return
        with self._condition:
            self._greeting.pop(stream, None)
            full = len(self._served) >= self._settings.max_connections
            if not full and not self._stopping:
                self._served[stream] = found.NAME
        if full or self._stopping:
            self.counts["too many"] += 1
            return
        self.counts[found.NAME] += 1
        found.handle_socket(stream, stream.peer.address)

    def _introduced(self, stream: Stream) -> Detector | None:
        """The protocol of a new connection; None if it can't be told."""
        stream.limit(self._settings.greeting_timeout)
        try:
            if self._tls is not None:
                stream.secure(self._tls)
            found = protocol.detect(self._detectors, stream)
        except TimeoutError:
            self.counts["timed out"] += 1
            return None
        except ssl.SSLError as error:
            self.counts["no TLS"] += 1
            LOG.info("No TLS with %s: %s", stream.peer.address, error.reason or error)
            return None
        except OSError:
            self.counts["gone"] += 1
            return None
        if found is None:
            self.counts["unknown"] += 1
            LOG.info("%s speaks none of the agent's protocols", stream.peer.address)
        return found

    def _wait_empty(self, patience: float) -> bool:
        until = clock.monotonic() + patience
        with self._condition:
            while self._open_streams:
                left = until - clock.monotonic()
                if left <= 0:
                    return False
                self._condition.wait(left)
        return True


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock
