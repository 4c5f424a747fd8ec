"""The one place that knows whether this process is green or native.

``patch()`` is called first thing by every program and by the test package. It reads
``MYCLOUD_CONCURRENCY`` (``eventlet``, the default, or ``threading``). Everything else in
mycloud asks this module for its primitives, so that no other module imports eventlet or
``threading``.

Context variables (the service role) and the oslo.context of the request do not cross into a
new green or native thread by themselves; everything that this module spawns carries them.
"""

import collections
import contextvars
import logging
import os
import posix
import queue
import select
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any, Generic, TypeVar

LOG = logging.getLogger(__name__)
T = TypeVar("T")

EVENTLET = "eventlet"
THREADING = "threading"

_mode: str | None = None


def wanted_mode() -> str:
    """The mode that the environment asks for.

    :raises ValueError: if MYCLOUD_CONCURRENCY is neither ``eventlet`` nor ``threading``
    """
    mode = os.environ.get("MYCLOUD_CONCURRENCY", EVENTLET)
    if mode not in (EVENTLET, THREADING):
        raise ValueError(
            f"MYCLOUD_CONCURRENCY is {mode!r}: it must be '{EVENTLET}' or '{THREADING}'"
        )
    return mode


def patch(mode: str | None = None) -> str:
    """Choose the concurrency of this process, once; returns the mode that it has.

    ``mode``: instead of what the environment asks for (short commands need no green threads).
    """
    global _mode
    if _mode is not None:
        return _mode
    mode = mode or wanted_mode()
    warnings.filterwarnings("ignore", message=r"(?s).*Eventlet is deprecated.*")
    warnings.filterwarnings("ignore", module="eventlet.*", category=DeprecationWarning)
    if mode == EVENTLET:
        # tpool reads its size when it is imported
        os.environ.setdefault("EVENTLET_THREADPOOL_SIZE", "32")
        import eventlet

        eventlet.monkey_patch()
    from oslo_service import backend

    backend.init_backend(
        backend.BackendType.EVENTLET if mode == EVENTLET else backend.BackendType.THREADING
    )
    _mode = mode
    return mode


def is_eventlet() -> bool:
    """True when this process was patched for green threads."""
    return _mode == EVENTLET


def sleep(seconds: float = 0) -> None:
    """Let others run for that many seconds (0: one turn of the hub)."""
    if is_eventlet():
        import eventlet

        eventlet.sleep(seconds)
    else:
        time.sleep(seconds)


class Lock:
    """A mutual exclusion lock of the process's own kind; a context manager."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def acquire(self, timeout: float = -1) -> bool:
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> "Lock":
        self._lock.acquire()
        return self

    def __exit__(self, *exc: object) -> None:
        self._lock.release()


def Event() -> threading.Event:
    """A flag that green or native threads can wait on."""
    return threading.Event()


def Condition(*, reentrant: bool = True) -> threading.Condition:
    """A condition variable of the process's own kind.

    ``reentrant``: whoever has its lock may take it once more; that costs a green thread dearly.
    """
    return threading.Condition() if reentrant else threading.Condition(threading.Lock())


def Semaphore(value: int = 1) -> threading.Semaphore:
    """A counting semaphore of the process's own kind."""
    return threading.Semaphore(value)


def Queue(maxsize: int = 0) -> "queue.Queue[Any]":
    """A FIFO queue of the process's own kind."""
    return queue.Queue(maxsize)


class Task(Generic[T]):
    """A running function; ``wait`` gives its result or raises what it raised."""

    def __init__(self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]):
        self._done = threading.Event()
        self._result: T | None = None
        self._error: BaseException | None = None
        self._fn = _carry_context(fn)
        self._args, self._kwargs = args, kwargs

    def run(self) -> None:
        try:
            self._result = self._fn(*self._args, **self._kwargs)
        except BaseException as error:  # noqa: BLE001 - handed over to whoever waits
            self._error = error
        finally:
            self._end()

    def _end(self) -> None:
        self._done.set()

    def wait(self, timeout: float | None = None) -> T:
        """:raises TimeoutError: if it has not ended after ``timeout`` seconds"""
        # asking first is cheap; waiting takes a lock of green threads several times
        if not self._done.is_set() and not self._done.wait(timeout):
            raise TimeoutError(f"{self._fn!r} is still running after {timeout} s")
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def ended(self, timeout: float | None = None) -> bool:
        """Wait for the end, however it ends; False if it has not come by then."""
        return self._done.wait(timeout)

    @property
    def done(self) -> bool:
        return self._done.is_set()

    @property
    def error(self) -> BaseException | None:
        return self._error


def spawn(fn: Callable[..., T], *args: Any, **kwargs: Any) -> Task[T]:
    """Run ``fn`` in a new green or native thread, in this one's context."""
    task = Task(fn, args, kwargs)
    thread = threading.Thread(target=task.run, daemon=True)
    thread.start()
    return task


def run_native(fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run a call that blocks in C (libvirt, password hashing) without stalling the others."""
    if not is_eventlet():
        return fn(*args, **kwargs)
    from eventlet import tpool

    result: T = tpool.execute(_carry_context(fn), *args, **kwargs)
    return result


def native_thread(fn: Callable[..., Any], *args: Any, name: str | None = None) -> Any:
    """Start a real operating system thread (for native event loops); returns the thread.

    ``fn`` must not touch green primitives.
    """
    if is_eventlet():
        from eventlet import patcher

        real = patcher.original("threading")
    else:
        real = threading
    thread = real.Thread(target=fn, args=args, name=name, daemon=True)
    thread.start()
    return thread


def native_queue() -> Any:
    """A queue that real threads can put into, whatever the mode."""
    if is_eventlet():
        from eventlet import patcher

        return patcher.original("queue").Queue()
    return queue.Queue()


class Mailbox:
    """What real threads have to tell to this process's own kind.

    ``put`` is safe in any real thread and never blocks; one reader at a time calls ``get``.
    """

    def __init__(self) -> None:
        self._items: Any = native_queue() if not is_eventlet() else collections.deque()
        self._bell: tuple[int, int] | None = None
        if is_eventlet():
            self._bell = os.pipe()
            for end in self._bell:
                os.set_blocking(end, False)

    def put(self, item: Any) -> None:
        if self._bell is None:
            self._items.put(item)
        else:
            self._items.append(item)
            try:
                # os.write is green here; posix.write is the system call itself
                posix.write(self._bell[1], b"!")
            except BlockingIOError:
                pass  # the pipe is full of rings, so the reader will come

    def get(self, timeout: float | None = None) -> Any:
        """:raises TimeoutError: if nothing came within ``timeout`` seconds"""
        if self._bell is None:
            try:
                return self._items.get(timeout=timeout)
            except queue.Empty:
                raise TimeoutError(f"no message within {timeout} s") from None
        from eventlet import hubs

        while True:
            if self._items:
                return self._items.popleft()
            hubs.trampoline(self._bell[0], read=True, timeout=timeout, timeout_exc=TimeoutError)
            try:
                posix.read(self._bell[0], 4096)
            except BlockingIOError:
                pass

    def __del__(self) -> None:
        # not sooner: a thread that still puts would ring whatever file has the number by then
        for end in self._bell or ():
            posix.close(end)


def wait_readable(sock: Any, timeout: float) -> bool:
    """Wait until a socket can be read (its SO_RCVLOWAT counts); False if not by then."""
    if is_eventlet():
        from eventlet import hubs

        try:
            hubs.trampoline(sock.fileno(), read=True, timeout=timeout, timeout_exc=TimeoutError)
        except TimeoutError:
            return False
        return True
    # not select(): it knows only the first 1024 descriptors
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(timeout * 1000))


def after_fork() -> None:
    """Give a forked child an event loop of its own; the first thing that the child does."""
    if is_eventlet():
        from eventlet import hubs

        hubs.use_hub()


def serve_green(sock: Any, app: Any, **options: Any) -> Callable[[float], None]:
    """Serve WSGI on a listening socket with eventlet's own server (eventlet mode only).

    ``options`` are those of ``eventlet.wsgi.server``. Returns a function that stops accepting,
    closes idle connections and waits so many seconds for the requests under way.
    """
    # ssl must not be imported before it is patched
    import ssl

    import eventlet
    from eventlet import wsgi

    class Protocol(wsgi.HttpProtocol):
        """Whoever doesn't speak TLS to a TLS port is worth no traceback."""

        def handle(self) -> None:
            try:
                super().handle()
            except ssl.SSLError as error:
                LOG.info("No TLS with %s: %s", self.client_address[0], error)
            except ValueError:
                # a TLS connection that stop() has closed is read once more
                if self.conn_state[2] is not wsgi.STATE_CLOSE:
                    raise

    thread = eventlet.spawn(wsgi.server, sock, app, protocol=Protocol, **options)
    # a thread that is killed before its first turn would never run its clean-up
    eventlet.sleep(0)

    def stop(patience: float) -> None:
        # not under the timeout: kill() has the hub wake the caller, and if the timeout came first,
        # that wake-up would end the caller's next wait with nothing
        thread.kill()
        with eventlet.Timeout(patience, False):
            try:
                thread.wait()
            except eventlet.greenlet.GreenletExit:
                pass

    return stop


def _carry_context(fn: Callable[..., T]) -> Callable[..., T]:
    # not at the top: it makes a thread-local store, which must be a green one
    from oslo_context import context as oslo_context

    variables = contextvars.copy_context()
    request = oslo_context.get_current()

    def carried(*args: Any, **kwargs: Any) -> T:
        if request is not None:
            request.update_store()
        return variables.run(fn, *args, **kwargs)

    return carried
