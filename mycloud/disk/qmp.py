"""QEMU's monitor protocol over a unix socket.

The package ``qemu.qmp`` runs an asyncio loop in its caller's thread, which stalls every other
green thread; this one only reads and writes a socket, which is of the process's own kind.
"""

from __future__ import annotations

import collections
import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from mycloud.common import clock

_CHUNK_BYTES = 1 << 16
#: what nobody waited for is dropped, oldest first
_EVENTS_KEPT = 1000

Event = dict[str, Any]


class QmpLost(Exception):
    """The monitor can't be reached, has gone, or does not answer in time."""


class QmpRefused(Exception):
    """QEMU answered with an error.

    :ivar reason: its words without paths of this host
    """

    def __init__(self, command: str, words: str) -> None:
        self.reason = " ".join("(a file)" if "/" in word else word for word in words.split())
        super().__init__(f"{command}: {self.reason}")


class Monitor:
    """A connection to a monitor, which serves one at a time; a context manager.

    Arguments of commands are never logged: they may be secrets.

    :param seconds: how long to wait for a connection, and for each answer
    :raises QmpLost:
    """

    def __init__(self, path: Path, *, seconds: float) -> None:
        self._seconds = seconds
        self._unread = b""
        self._events: collections.deque[Event] = collections.deque(maxlen=_EVENTS_KEPT)
        self._last_id = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._connect(path, clock.monotonic() + seconds)
            self.execute("qmp_capabilities")
        except QmpLost:
            self.close()
            raise

    def __enter__(self) -> Monitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; another may begin."""
        self._socket.close()

    def execute(self, command: str, **arguments: Any) -> Any:
        """Run a command; what it returns. An underscore in a name stands for QEMU's hyphen.

        :raises QmpRefused: :raises QmpLost:
        """
        self._last_id += 1
        words = {name.replace("_", "-"): value for name, value in arguments.items()}
        request = {"execute": command, "arguments": words, "id": self._last_id}
        deadline = clock.monotonic() + self._seconds
        try:
            self._socket.settimeout(self._seconds)
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise QmpLost(f"{command}: {error}") from error
        while True:
            message = self._read(deadline)
            if message.get("id") != self._last_id:
                continue
            if "error" in message:
                raise QmpRefused(command, message["error"]["desc"])
            return message["return"]

    def wait_event(self, wanted: Callable[[Event], bool], *, seconds: float) -> Event:
        """The first event that ``wanted`` says yes to; those before it are dropped.

        :raises TimeoutError: none came in time :raises QmpLost: the monitor has gone
        """
        deadline = clock.monotonic() + seconds
        while True:
            while self._events:
                event = self._events.popleft()
                if wanted(event):
                    return event
            if clock.monotonic() > deadline:
                raise TimeoutError(f"no event within {seconds} s")
            self._read(deadline, patient=True)

    # -- how ----------------------------------------------------------------

    def _connect(self, path: Path, deadline: float) -> None:
        try:
            # by way of the directory's descriptor: the path of a socket may have 107 bytes
            directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._socket.settimeout(max(0.01, deadline - clock.monotonic()))
                self._socket.connect(f"/proc/self/fd/{directory}/{path.name}")
            finally:
                os.close(directory)
        except OSError as error:
            raise QmpLost(f"no connection: {error.strerror or error}") from error
        if "QMP" not in self._read(deadline):
            raise QmpLost("it does not speak QMP")

    def _read(self, deadline: float, *, patient: bool = False) -> Mapping[str, Any]:
        """The next message; an event is also kept.

        :param patient: nothing is an answer too: the deadline may pass
        """
        while b"\n" not in self._unread:
            left = deadline - clock.monotonic()
            if left <= 0:
                if patient:
                    return {}
                raise QmpLost("no answer in time")
            self._socket.settimeout(left)
            try:
                chunk = self._socket.recv(_CHUNK_BYTES)
            except TimeoutError:
                continue
            except OSError as error:
                raise QmpLost(str(error)) from error
            if not chunk:
                raise QmpLost("the monitor has closed the connection")
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError as error:
            raise QmpLost("it does not speak QMP") from error
        if "event" in message:
            self._events.append(message)
        found: Mapping[str, Any] = message
        return found
