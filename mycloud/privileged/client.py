"""How the rest of mycloud calls the root helper: ``client.call.VERB(...)``.

One for the whole process, for green and native threads alike: it uses nothing but sockets, and no
lock that one kind of thread could leave to the other.  A call has a connection to itself.
"""

from __future__ import annotations

import collections
import contextlib
import contextvars
import logging
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from mycloud.privileged import descriptors, errors, protocol

LOG = logging.getLogger(__name__)

SOCKET_IN_STATE = Path("run/privileged/socket")
#: Tries to connect, seconds for all of them, the pause after the first vain one, and how much
#: longer the next one is: the restart of a helper on a busy machine fits in.
TRIES = 3
CONNECT_SECONDS = 60.0
PAUSE_SECONDS, PAUSE_GROWTH = 0.5, 8
#: Connections that are kept while nobody calls.
KEPT = 8
#: How much longer than a call's deadline its answer is waited for.
GRACE_SECONDS = 5.0
DEADLINE_SECONDS = 30.0

T = TypeVar("T")

_operation: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "privileged_operation", default=None
)
_within: contextvars.ContextVar[float | None] = contextvars.ContextVar(
    "privileged_deadline", default=None
)


@contextlib.contextmanager
def operation(operation_id: str | None) -> Iterator[None]:
    """Calls in the block are logged by the helper as parts of that operation."""
    token = _operation.set(operation_id)
    try:
        yield
    finally:
        _operation.reset(token)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Each call in the block may take that long at most, or what its verb may, if that is less."""
    token = _within.set(seconds)
    try:
        yield
    finally:
        _within.reset(token)


class Retry:
    """Tries again what the helper's restart may cure.

    :ivar stop: asked before each pause; true: try no more
    """

    def __init__(
        self, *, tries: int = TRIES, timeout: float = CONNECT_SECONDS,
        sleep: Callable[[float], object] | None = None,
        clock: Callable[[], float] | None = None, stop: Callable[[], bool] = lambda: False,
    ):
        self._tries, self._timeout, self._stop = tries, timeout, stop
        self._sleep, self._clock = sleep, clock

    def run(self, attempt: Callable[[float], T]) -> T:
        """:param attempt: is told the seconds that are left

        :raises OSError: the last failure
        """
        # asked for now: a process may have been patched for green threads since the import
        sleep, clock = self._sleep or time.sleep, self._clock or time.monotonic
        until, pause = clock() + self._timeout, PAUSE_SECONDS
        for left in range(self._tries - 1, -1, -1):
            try:
                return attempt(max(0.1, until - clock()))
            except OSError as error:
                if not left or clock() + pause >= until or self._stop():
                    raise
                LOG.info("The root helper does not answer yet: %s", error)
            sleep(pause)
            pause *= PAUSE_GROWTH
        raise AssertionError("unreachable")


class _Broken(Exception):
    """The connection has ended.

    :ivar begun: the helper may have read the whole call
    """

    def __init__(self, why: str, *, begun: bool):
        super().__init__(why)
        self.begun = begun


class Client:
    """Talks to one helper.

    :ivar path: of its socket
    """

    def __init__(self, path: Path, *, retry: Retry | None = None):
        self.path = path
        self._retry = retry or Retry()
        self._kept: collections.deque[_Link] = collections.deque()
        self._verbs: dict[str, dict[str, Any]] = {}
        self._learned = False
        self._number = 0

    def invoke(self, verb: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The verb's result.

        :raises PrivilegedError: one of the classes of ``errors``
        """
        self._number = number = self._number + 1
        message = {
            "id": number, "verb": verb, "args": list(args), "kwargs": kwargs,
            "deadline": _within.get(), "operation": _operation.get(),
        }
        try:
            frame = protocol.frame(message)
        except errors.Malformed as error:
            raise errors.InvalidArguments(f"{verb}: {error.message}") from None
        for left in (2, 1, 0):
            link = self._link()
            known = self._verbs.get(verb, {})
            patience = min(
                known.get("deadline", DEADLINE_SECONDS), _within.get() or float("inf")
            )
            try:
                answer = link.ask(frame, number, patience + GRACE_SECONDS)
            except _Broken as error:
                link.close()
                self.forget()
                if error.begun and not known.get("idempotent"):
                    raise errors.CallLost(
                        f"The root helper went away while it ran {verb}: it may be done, or not, "
                        "or half", verb=verb,
                    ) from None
                if not left:
                    raise errors.HelperUnavailable(
                        f"The root helper went away again and again while {verb} was called: "
                        f"{error}", verb=verb,
                    ) from None
                LOG.warning("The root helper went away; %s is called again", verb)
                continue
            except TimeoutError:
                link.close()
                raise errors.DeadlineExceeded(
                    f"The root helper did not answer {verb} in time: it may still be done",
                    verb=verb, started=True,
                ) from None
            except BaseException:
                # whoever waited was interrupted: the answer would be taken for another call's
                link.close()
                raise
            self._keep(link)
            return _outcome(answer)
        raise AssertionError("unreachable")

    def forget(self) -> None:
        """Close what is kept, and learn the verbs anew: the helper was another one."""
        self._learned = False
        while True:
            try:
                self._kept.pop().close()
            except IndexError:
                return

    def verbs(self) -> dict[str, dict[str, Any]]:
        """What the running helper does, by name."""
        self._keep(self._link())
        return self._verbs

    def _link(self) -> _Link:
        while True:
            try:
                link = self._kept.pop()
            except IndexError:
                break
            if link.usable():
                return link
            link.close()
            self.forget()
        try:
            return self._retry.run(self._connect)
        except OSError as error:
            raise errors.HelperUnavailable(
                f"The root helper does not answer at {self.path} ({error.strerror or error}): is "
                "mycloud-privileged running?", path=str(self.path),
            ) from None

    def _connect(self, left: float) -> _Link:
        """:raises OSError:"""
        link = _Link(_connect(self.path, left))
        if self._learned:
            return link
        try:
            told = _outcome(link.ask(_ASK_VERBS, 0, left))
        except _Broken as error:
            link.close()
            raise ConnectionError(f"it went away at once: {error}") from None
        except BaseException:
            link.close()
            raise
        self._verbs = {each["name"]: each for each in told}
        self._learned = True
        return link

    def _keep(self, link: _Link) -> None:
        if len(self._kept) < KEPT:
            self._kept.append(link)
        else:
            link.close()


_ASK_VERBS = protocol.frame({"id": 0, "verb": "helper_verbs"})


class _Link:
    """One connection; one call at a time."""

    def __init__(self, sock: socket.socket):
        self._sock = sock
        #: below a green socket, which can't receive descriptors, lies a real one
        self._raw: socket.socket = getattr(sock, "fd", sock)

    def close(self) -> None:
        self._sock.close()

    def usable(self) -> bool:
        """Nothing has come that nobody asked for, not even the end."""
        self._sock.settimeout(0.0)
        try:
            self._raw.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def ask(
        self, frame: bytes, number: int, patience: float
    ) -> tuple[dict[str, Any], list[int]]:
        """The answer, and the descriptors that came with it.

        :raises _Broken: :raises TimeoutError:
        """
        until = time.monotonic() + patience
        self._sock.settimeout(patience)
        try:
            self._sock.sendall(frame)
        except TimeoutError:
            raise
        except OSError as error:
            # not all of it was taken, so none of it was done
            raise _Broken(str(error), begun=False) from None
        fds: list[int] = []
        try:
            body = self._receive(until, fds)
            answer = protocol.parse(body)
            if not isinstance(answer, dict) or len(fds) != answer.get("fds", 0) or (
                answer.get("id") != number
            ):
                raise errors.Malformed("The root helper's answer is none")
            return answer, fds
        except BaseException:
            for fd in fds:
                os.close(fd)
            raise

    def _receive(self, until: float, fds: list[int]) -> bytes:
        buffer, wanted = bytearray(), protocol.HEADER.size
        header = True
        while len(buffer) < wanted or header:
            if len(buffer) >= wanted:
                wanted, header = wanted + protocol.length(bytes(buffer[:wanted])), False
                continue
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
            data = self._some(1 << 16 if header else wanted - len(buffer), left, fds)
            if data is None:
                continue
            if not data:
                raise _Broken("the connection has ended", begun=True)
            buffer += data
        return bytes(buffer[protocol.HEADER.size:wanted])

    def _some(self, most: int, left: float, fds: list[int]) -> bytes | None:
        """What has come, b"" at the end; None: a green socket has waited, ask again."""
        try:
            data, rights, _, _ = self._raw.recvmsg(
                most, socket.CMSG_SPACE(protocol.MAX_FDS * 4), socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            if not select.select([self._raw], [], [], left)[0]:
                raise TimeoutError from None
            return None
        except TimeoutError:
            raise
        except ConnectionResetError as error:
            # the kernel says so when the helper ended before it had read all of the call
            raise _Broken(str(error), begun=False) from None
        except OSError as error:
            raise _Broken(str(error), begun=True) from None
        for level, kind, packed in rights:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                count = len(packed) // 4
                fds += struct.unpack(f"{count}i", packed[:count * 4])
        return data


def _connect(path: Path, left: float) -> socket.socket:
    """By a descriptor of the directory: the path of a socket may have 107 bytes only."""
    home = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(left)
            sock.connect(f"/proc/self/fd/{home}/{path.name}")
        except BaseException:
            sock.close()
            raise
        return sock
    finally:
        os.close(home)


def _outcome(answered: tuple[dict[str, Any], list[int]]) -> Any:
    answer, fds = answered
    error = answer.get("error")
    if error is not None:
        raise errors.made(error["code"], error["message"], error.get("details", {}))
    result = answer.get("result")
    return descriptors.Opened(result, tuple(fds)) if fds else result


class Caller:
    """Any verb as an attribute."""

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        if verb.startswith("_"):
            raise AttributeError(verb)

        def invoke(*args: Any, **kwargs: Any) -> Any:
            return get().invoke(verb, args, kwargs)

        invoke.__name__ = verb
        return invoke


call = Caller()
_client: Client | None = None


def configure(place: str | Path, *, retry: Retry | None = None) -> Client:
    """Call the helper of that state directory, or at that socket, from now on."""
    path = Path(place)
    if path.name != "socket":
        path = path / SOCKET_IN_STATE
    made = Client(path, retry=retry)
    use(made)
    return made


def get() -> Client:
    """The one of this process.

    :raises HelperUnavailable: nobody has said where it is
    """
    found = _client
    if found is None:
        raise errors.HelperUnavailable("Nobody has said where the root helper is (configure())")
    return found


def current() -> Client | None:
    """The one of this process, if somebody has said where its helper is."""
    return _client


def use(client: Client | None) -> None:
    """That one from now on; the one before lets go of its connections."""
    global _client
    old, _client = _client, client
    if old is not None and old is not client:
        old.forget()
