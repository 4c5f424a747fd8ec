"""What all of the libvirt driver stands on: the connection, its errors and its events."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import libvirt
from oslo_log import log

from mycloud.common import concurrency, exceptions
from mycloud.compute.connectors import this_host
from mycloud.compute.connectors.base import ThisHost
from mycloud.compute.drivers.base import (
    ComputeDriver,
    DriverSettings,
    EventSink,
    GuestEvent,
    GuestInfo,
    PowerState,
)
from mycloud.compute.drivers.libvirt import files, queries
from mycloud.compute.drivers.libvirt.host import Changed, Host
from mycloud.compute.drivers.libvirt.secrets import Secrets
from mycloud.compute.hypervisor.supervisor import PrivateLibvirtd
from mycloud.disk.image_cache import ImageCache

LOG = log.getLogger(__name__)


class LibvirtBase(ComputeDriver):
    """A libvirt that is reached, asked, and listened to."""

    def __init__(self, settings: DriverSettings) -> None:
        super().__init__(settings)
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        self._cache = ImageCache(settings.state_dir / "_base")
        self._files = files.GuestFiles(settings.state_dir / "instances", self._cache)
        self._private = (
            None if settings.libvirt_uri
            else PrivateLibvirtd(settings.state_dir, pki_dir=settings.pki_dir)
        )
        self._host = Host(self._find_uri)
        self._secrets = Secrets(self._host.call)
        self._hostname = ""
        self._on_event: EventSink | None = None
        #: servers that a verb works on, and what is known of the others
        self._busy: collections.Counter[str] = collections.Counter()
        self._known: dict[str, PowerState] = {}

    def guests(self) -> list[GuestInfo]:
        found: list[GuestInfo] = self._ask(queries.guests)
        return [each for each in found if self._ours(each.server_id)]

    def guest(self, server_id: str) -> GuestInfo | None:
        found: GuestInfo | None = self._ask(queries.guest, server_id)
        return found

    def io_error(self, server_id: str) -> bool:
        return bool(self._ask(queries.paused_by_io_error, server_id))

    # -- how ----------------------------------------------------------------

    def _this_host(self) -> ThisHost:
        return ThisHost(
            this_host.initiator(self._hostname),
            tls=this_host.has_certificate(self.settings.pki_dir),
        )

    def _find_uri(self) -> str:
        if self._private is None:
            return str(self.settings.libvirt_uri)
        self._look_after_daemons()
        return self._private.uri()

    def _look_after_daemons(self) -> None:
        """Start what has crashed: nobody else does.  What was stopped on purpose stays so.

        Without virtlogd, which libvirtd does not miss, no guest starts.
        """
        if self._private is not None and self._private.crashed():
            LOG.warning("A daemon of libvirt has crashed and is started again")
            self._private.start()

    def _ours(self, server_id: str) -> bool:
        """Several clouds may share a libvirt; only ours has a directory for the guest here."""
        return self._private is not None or self._files.exist(server_id)

    def _ask(self, question: Callable[..., Any], *args: Any) -> Any:
        try:
            return self._host.call(question, *args)
        except libvirt.libvirtError as error:
            raise exceptions.HypervisorUnavailable(
                reason=f"libvirt can't answer ({queries.reason(error)})",
                remedy="See the log of libvirtd.",
            ) from error

    def _must(self, server_id: str) -> GuestInfo:
        found = self.guest(server_id)
        if found is None:
            raise exceptions.GuestNotFound(server_id=server_id)
        return found

    @contextlib.contextmanager
    def _verb(
        self, verb: str, server_id: str, *, hidden: Sequence[str] = (), tell: bool = True
    ) -> Iterator[None]:
        """What libvirt tells of the server meanwhile is our own doing, not an event; only a disk
        that does not answer is told at the end.

        :param hidden: secrets that must not be in an error
        """
        self._busy[server_id] += 1
        try:
            with self._explained(verb, server_id, hidden=hidden):
                yield
        finally:
            # learn first: an event that is still on its way must find nothing new
            before = self._known.get(server_id)
            now = self._learn(server_id)
            self._busy[server_id] -= 1
            if not self._busy[server_id]:
                del self._busy[server_id]
            if tell and now == PowerState.PAUSED != before:
                self._tell_pause(server_id, "a disk does not answer", only_error=True)

    @contextlib.contextmanager
    def _explained(
        self, verb: str, server_id: str, *, hidden: Sequence[str] = ()
    ) -> Iterator[None]:
        try:
            yield
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                raise exceptions.GuestNotFound(server_id=server_id) from error
            reason = queries.reason(error, hidden)
            LOG.warning("Can't %s server %s: %s", verb, server_id, reason)
            # not from it: a traceback would show what was hidden
            raise exceptions.GuestOperationFailed(
                verb=verb, server_id=server_id, reason=reason
            ) from None

    # -- events -------------------------------------------------------------

    def _learn(self, server_id: str) -> PowerState | None:
        """Remember the state that the guest has; None if it can't be asked."""
        try:
            found = self.guest(server_id)
        except exceptions.HypervisorUnavailable:
            # asked again when the connection is back
            return None
        if found is None:
            self._known.pop(server_id, None)
            return PowerState.NOSTATE
        self._known[server_id] = found.power_state
        return found.power_state

    def _changed(self, change: Changed) -> None:
        if change.server_id in self._busy or not self._ours(change.server_id):
            return
        before = self._known.get(change.server_id, PowerState.NOSTATE)
        now = self._learn(change.server_id)
        if now == PowerState.PAUSED != before:
            self._tell_pause(change.server_id, change.reason)
        elif now is not None and now != before:
            self._tell(GuestEvent(change.server_id, now, change.reason))

    def _returned(self) -> None:
        """libvirt is back: look for what happened to guests while nobody told."""
        try:
            servers = {*self._known, *(guest.server_id for guest in self.guests())}
        except exceptions.HypervisorUnavailable:
            return
        for server_id in sorted(servers):
            self._changed(Changed(server_id, "noticed when libvirt came back"))

    def _tell_pause(self, server_id: str, reason: str, *, only_error: bool = False) -> None:
        try:
            io_error = self.io_error(server_id)
        except exceptions.HypervisorUnavailable:
            return
        if io_error or not only_error:
            self._tell(GuestEvent(server_id, PowerState.PAUSED, reason, io_error=io_error))

    def _tell(self, event: GuestEvent) -> None:
        LOG.info("Server %s is %s: %s", event.server_id, event.power_state.value, event.reason)
        sink: Callable[[GuestEvent], None] | None = self._on_event
        if sink is not None:
            # not in the reader: what the sink does, or raises, must not stop the next event
            concurrency.spawn(sink, event)
