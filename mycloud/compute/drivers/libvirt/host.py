"""The connection to libvirt: opened again when it is lost, its events brought over.

libvirt calls back in a real thread that runs its event loop; what it says goes through a
mailbox to a reader of this process's own kind.  All calls run natively, so that a slow
hypervisor never stalls anything else.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import libvirt
from oslo_log import log

from mycloud.common import concurrency, exceptions
from mycloud.compute.drivers.libvirt import domain
from mycloud.compute.hypervisor import connection

LOG = log.getLogger(__name__)

_KEEPALIVE_SECONDS, _KEEPALIVE_MISSES = 5, 3
_REOPEN_SECONDS = 0.3
_LOST_FROM = (libvirt.VIR_FROM_RPC, libvirt.VIR_FROM_REMOTE)
_LOST_CODES = (libvirt.VIR_ERR_INVALID_CONN, libvirt.VIR_ERR_NO_CONNECT)
#: events that can change a guest's power state
_LIFECYCLE = {
    libvirt.VIR_DOMAIN_EVENT_UNDEFINED: "undefined",
    libvirt.VIR_DOMAIN_EVENT_STARTED: "started",
    libvirt.VIR_DOMAIN_EVENT_SUSPENDED: "suspended",
    libvirt.VIR_DOMAIN_EVENT_RESUMED: "resumed",
    libvirt.VIR_DOMAIN_EVENT_STOPPED: "stopped",
    libvirt.VIR_DOMAIN_EVENT_CRASHED: "crashed",
    libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED: "suspended by the guest",
}
_STOPPED_BY = {
    libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN: "the guest powered off",
    libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED: "it was destroyed",
    libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED: "the guest crashed",
    libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED: "QEMU ended unexpectedly",
}


@dataclasses.dataclass(frozen=True)
class Changed:
    """libvirt says that something happened to a guest."""

    server_id: str
    reason: str


@dataclasses.dataclass(frozen=True)
class _Released:
    """A guest has answered that it lets go of a device, or that it does not."""

    server_id: str
    alias: str


@dataclasses.dataclass(frozen=True)
class _Closed:
    generation: int


class _Stop:
    pass


class _EventLoop:
    """libvirt's event loop, which a process has once."""

    def __init__(self) -> None:
        self._lock = concurrency.Lock()
        self._started = False

    def start(self) -> None:
        with self._lock:
            if not self._started:
                # must be there before the first connection is opened
                libvirt.virEventRegisterDefaultImpl()
                connection.silence()
                concurrency.native_thread(self._run, name="libvirt-events")
                self._started = True

    @staticmethod
    def _run() -> None:
        # a timer keeps the loop from sleeping for ever in a poll that it set up too early
        libvirt.virEventAddTimeout(1000, lambda *_args: None, None)
        while True:
            libvirt.virEventRunDefaultImpl()


_EVENT_LOOP = _EventLoop()


class Host:
    """One libvirt.

    :param find_uri: where to connect to, asked each time; may start what is not running;
        raises HypervisorUnavailable
    """

    def __init__(self, find_uri: Callable[[], str]) -> None:
        self._find_uri = find_uri
        self._lock = concurrency.Lock()
        self._conn: Any = None
        self._generation = 0
        self._callbacks: list[int] = []
        self._awaited: dict[_Released, Any] = {}
        self._mailbox = concurrency.Mailbox()
        self._on_change: Callable[[Changed], None] | None = None
        self._on_return: Callable[[], None] | None = None
        self._reader: concurrency.Task[None] | None = None
        self._closing = False

    def start(
        self, on_change: Callable[[Changed], None], on_return: Callable[[], None]
    ) -> None:
        """Connect and read events.

        :param on_change: called for each event
        :param on_return: called when a lost connection is there again: events that arose
            meanwhile are lost
        :raises HypervisorUnavailable:
        """
        _EVENT_LOOP.start()
        self._on_change, self._on_return = on_change, on_return
        self._closing = False
        self._connection()
        self._reader = concurrency.spawn(self._read)

    def close(self) -> None:
        """Stop reading events and disconnect."""
        self._closing = True
        reader, self._reader = self._reader, None
        if reader is not None:
            self._mailbox.put(_Stop())
            reader.wait()
        with self._lock:
            conn, self._conn = self._conn, None
            if conn is not None:
                concurrency.run_native(self._disconnect, conn)

    def call(self, fn: Callable[..., Any], *args: Any) -> Any:
        """``fn(connection, *args)``, natively.

        :raises HypervisorUnavailable: the connection is lost and can't be opened again
        :raises libvirt.libvirtError: anything else that libvirt refuses
        """
        conn = self._connection()
        try:
            return concurrency.run_native(fn, conn, *args)
        except libvirt.libvirtError as error:
            if not _lost(error, conn):
                raise
            raise exceptions.HypervisorUnavailable(
                reason=f"the connection to libvirt was lost ({error})",
                remedy="It is opened again as soon as libvirtd answers; try again.",
            ) from error

    @contextlib.contextmanager
    def release_awaited(self, server_id: str, alias: str) -> Iterator[Any]:
        """An event that is set whenever the guest answers to a request to let go of a device;
        what it has answered must be looked up."""
        event = concurrency.Event()
        self._awaited[_Released(server_id, alias)] = event
        try:
            yield event
        finally:
            del self._awaited[_Released(server_id, alias)]

    # -- the connection -----------------------------------------------------

    def _connection(self) -> Any:
        with self._lock:
            if self._conn is not None and self._conn.isAlive():
                return self._conn
            old, self._conn = self._conn, None
            if old is not None:
                concurrency.run_native(self._disconnect, old)
            conn = connection.open_uri(self._find_uri())
            self._generation += 1
            try:
                concurrency.run_native(self._prepare, conn, self._generation)
            except libvirt.libvirtError as error:
                raise exceptions.HypervisorUnavailable(
                    reason=f"libvirt does not give events ({error})",
                    remedy="Check that libvirtd runs; 'mycloud doctor' tells more.",
                ) from error
            self._conn = conn
            return conn

    def _prepare(self, conn: Any, generation: int) -> None:
        mailbox = self._mailbox
        try:
            conn.setKeepAlive(_KEEPALIVE_SECONDS, _KEEPALIVE_MISSES)
        except libvirt.libvirtError:
            LOG.info("This libvirt has no keepalive; a silent loss is noticed by the next call")
        conn.registerCloseCallback(
            lambda _conn, _reason, _opaque: mailbox.put(_Closed(generation)), None
        )

        def lifecycle(_conn: Any, dom: Any, event: int, detail: int, _opaque: Any) -> None:
            _tell(mailbox, dom, event, detail)

        def device(_conn: Any, dom: Any, alias: str, _opaque: Any) -> None:
            server_id = domain.server_id_of(dom.name())
            if server_id is not None:
                mailbox.put(_Released(server_id, alias))

        self._callbacks = [
            conn.domainEventRegisterAny(None, kind, callback, None)
            for kind, callback in (
                (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle),
                (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, device),
                (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, device),
            )
        ]

    def _disconnect(self, conn: Any) -> None:
        """A connection with callbacks is never freed, and one that is lost has refusals left."""
        for step in (
            *(
                functools.partial(conn.domainEventDeregisterAny, callback)
                for callback in self._callbacks
            ),
            conn.unregisterCloseCallback,
            conn.close,
        ):
            try:
                step()
            except libvirt.libvirtError as error:
                LOG.debug("While disconnecting: %s", error)

    # -- events -------------------------------------------------------------

    def _read(self) -> None:
        while True:
            item = self._mailbox.get()
            if isinstance(item, _Stop):
                return
            if isinstance(item, _Closed):
                if item.generation == self._generation and not self._reopen():
                    return
            elif isinstance(item, _Released):
                if item in self._awaited:
                    self._awaited[item].set()
            elif self._on_change is not None:
                self._on_change(item)

    def _reopen(self) -> bool:
        """Try until libvirt answers; False if close() was called meanwhile."""
        LOG.warning("The connection to libvirt is lost")
        while not self._closing:
            try:
                self._connection()
            except exceptions.HypervisorUnavailable as error:
                LOG.debug("Still no libvirt: %s", error)
                concurrency.sleep(_REOPEN_SECONDS)
                continue
            LOG.info("The connection to libvirt is there again")
            if self._on_return is not None:
                self._on_return()
            return True
        return False


def _tell(mailbox: concurrency.Mailbox, dom: Any, event: int, detail: int) -> None:
    """Runs in libvirt's thread: look, put, and be gone."""
    server_id = domain.server_id_of(dom.name())
    if server_id is None or event not in _LIFECYCLE:
        return
    reason = _LIFECYCLE[event]
    if event == libvirt.VIR_DOMAIN_EVENT_STOPPED:
        reason = _STOPPED_BY.get(detail, reason)
    elif (
        event == libvirt.VIR_DOMAIN_EVENT_SUSPENDED
        and detail == libvirt.VIR_DOMAIN_EVENT_SUSPENDED_IOERROR
    ):
        reason = "a disk does not answer"
    mailbox.put(Changed(server_id, reason))


def _lost(error: libvirt.libvirtError, conn: Any) -> bool:
    return (
        error.get_error_domain() in _LOST_FROM
        or error.get_error_code() in _LOST_CODES
        or not conn.isAlive()
    )
