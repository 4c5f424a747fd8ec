"""The libvirt driver: QEMU guests, in KVM where it is proved, else in TCG."""

from __future__ import annotations

import collections
import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import libvirt
from oslo_concurrency import processutils
from oslo_log import log

from mycloud.common import clock, concurrency, exceptions
from mycloud.compute.drivers import hostinfo
from mycloud.compute.drivers.base import (
    DriverSettings,
    EventSink,
    GuestEvent,
    GuestInfo,
    GuestSpec,
    HostInventory,
    PowerState,
    Snapshot,
    VolumeDisk,
)
from mycloud.compute.drivers.libvirt import domain, files, queries, snapshots
from mycloud.compute.drivers.libvirt.host import Changed, Host
from mycloud.compute.drivers.libvirt.volumes import LibvirtVolumes
from mycloud.compute.hypervisor import proof
from mycloud.compute.hypervisor.supervisor import PrivateLibvirtd
from mycloud.disk import qemu_img
from mycloud.disk.image_cache import ImageCache
from mycloud.disk.image_spec import Fetch, ImageSpec

LOG = log.getLogger(__name__)

_POLL_SECONDS = 0.1
_START_SECONDS = 60
#: a guest that is still booting does not hear the power button, so it is pressed again
_PRESS_AGAIN_SECONDS = 3.0
_FORGET = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
)


class LibvirtDriver(LibvirtVolumes):
    """Guests of the libvirt that the settings name, or of a private one.

    Guests that run when the driver starts are simply there: everything is looked up by name,
    and nothing of them is kept in memory but the power state that was told last.
    """

    def __init__(self, settings: DriverSettings) -> None:
        super().__init__(settings)
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        self._cache = ImageCache(settings.state_dir / "_base")
        self._files = files.GuestFiles(settings.state_dir / "instances", self._cache)
        self._private = None if settings.libvirt_uri else PrivateLibvirtd(settings.state_dir)
        self._host = Host(self._find_uri)
        self._hostname = ""
        self._on_event: EventSink | None = None
        self._proved: str | None = None
        #: servers that a verb works on, and what is known of the others
        self._busy: collections.Counter[str] = collections.Counter()
        self._known: dict[str, PowerState] = {}

    # -- the host -----------------------------------------------------------

    def init_host(self, host: str, on_event: EventSink) -> None:
        self._hostname = host
        self._on_event = on_event
        if self._private is not None:
            self._private.start()
        # both take seconds the first time on a host: libvirt asks QEMU what it can do
        proving = concurrency.spawn(self._virt_type)
        self._host.start(self._changed, self._returned)
        self._ask(queries.host_facts)
        proving.wait()
        self._known = {guest.server_id: guest.power_state for guest in self.guests()}

    def close(self) -> None:
        self._on_event = None
        self._host.close()

    def inventory(self) -> HostInventory:
        found = self._ask(queries.host_facts)
        usage = shutil.disk_usage(self.settings.state_dir)
        virt_type = self._virt_type()
        return HostInventory(
            vcpus=found.vcpus,
            memory_mb=hostinfo.memory_mb(),
            disk_gb=usage.total >> 30,
            free_disk_gb=usage.free >> 30,
            hypervisor_type=found.hypervisor_type,
            hypervisor_version=found.hypervisor_version,
            hypervisor_hostname=self._hostname,
            cpu_info=found.cpu_info,
            capabilities={
                "hypervisor_type": found.hypervisor_type,
                "virt_type": virt_type,
                "arch": hostinfo.architecture(),
                "vm_mode": "hvm",
            },
        )

    def uptime(self) -> str:
        return hostinfo.uptime()

    def guests(self) -> list[GuestInfo]:
        found: list[GuestInfo] = self._ask(queries.guests)
        return [each for each in found if self._ours(each.server_id)]

    def guest(self, server_id: str) -> GuestInfo | None:
        found: GuestInfo | None = self._ask(queries.guest, server_id)
        return found

    def leftovers(self) -> list[str]:
        return self._files.server_ids()

    def has_files(self, server_id: str) -> bool:
        return self._files.exist(server_id)

    # -- images and disks ---------------------------------------------------

    def image_ready(self, spec: ImageSpec) -> bool:
        return self._cache.base(spec) is not None

    def ensure_image(self, spec: ImageSpec, fetch: Fetch) -> None:
        self._cache.ensure(spec, fetch)

    def prune_images(self, unused_seconds: float) -> list[str]:
        return self._cache.prune(unused_seconds)

    def disk_ready(self, spec: GuestSpec) -> bool:
        return self._files.ready(spec)

    def create_disk(self, spec: GuestSpec) -> None:
        self._files.create(spec)

    def delete_disk(self, server_id: str) -> None:
        if self._private is not None:
            for path in self._private.guest_logs(domain.name_of(server_id)):
                path.unlink(missing_ok=True)
        # last, as it is the directory that tells whether there is something left
        self._files.delete(server_id)

    def take_snapshot(self, server_id: str, name: str) -> Snapshot:
        path = self._files.snapshot_path(server_id, name)
        fresh = self._files.torn_snapshot_path(server_id, name)
        root = self._files.path(server_id, files.ROOT)
        with self._verb("make a snapshot of", server_id):
            found = self._must(server_id)
            try:
                if found.power_state in (PowerState.RUNNING, PowerState.PAUSED):
                    snapshots.copy_live(self._host.call, server_id, fresh)
                else:
                    qemu_img.flatten(root, fresh)
                fresh.replace(path)
            except processutils.ProcessExecutionError as error:
                raise exceptions.GuestOperationFailed(
                    verb="copy the disk of", server_id=server_id, reason=qemu_img.reason(error)
                ) from error
            finally:
                fresh.unlink(missing_ok=True)
        return Snapshot(path, "qcow2")

    def snapshot(self, server_id: str, name: str) -> Snapshot | None:
        path = self._files.snapshot_path(server_id, name)
        return Snapshot(path, "qcow2") if path.exists() else None

    def drop_snapshot(self, server_id: str, name: str) -> None:
        self._files.snapshot_path(server_id, name).unlink(missing_ok=True)

    # -- guests -------------------------------------------------------------

    def spawn(self, spec: GuestSpec) -> None:
        if not self._files.ready(spec):
            raise exceptions.GuestOperationFailed(
                verb="spawn", server_id=spec.server_id, reason="its disks are not on the host"
            )
        machine = domain.Machine(
            self._virt_type(), hostinfo.architecture(), self._files.path(spec.server_id)
        )
        self._look_after_daemons()
        with self._verb("spawn", spec.server_id):
            self._host.call(_define, domain.xml(spec, machine))
            self._bring_up(spec.server_id)

    def spawned(self, server_id: str) -> bool:
        found = self.guest(server_id)
        return found is not None and found.power_state == PowerState.RUNNING

    def power_on(self, server_id: str, *, volumes: Sequence[VolumeDisk] = ()) -> None:
        self._look_after_daemons()
        with self._verb("power on", server_id):
            self._bring_up(server_id)

    def power_off(self, server_id: str, timeout: float) -> None:
        with self._verb("power off", server_id):
            self._stop(server_id, timeout)

    def reboot(
        self, server_id: str, hard: bool, timeout: float, *, volumes: Sequence[VolumeDisk] = ()
    ) -> None:
        self._look_after_daemons()
        with self._verb("reboot", server_id):
            self._stop(server_id, 0 if hard else timeout)
            self._bring_up(server_id)

    def destroy(self, server_id: str) -> None:
        with contextlib.suppress(exceptions.GuestNotFound), self._verb("destroy", server_id):
            self._host.call(_destroy, server_id)

    def console_log(self, server_id: str, length: int | None = None) -> str:
        return self._files.console(server_id, length)

    def diagnostics(self, server_id: str) -> dict[str, Any]:
        with self._explained("diagnose", server_id):
            frame = self._host.call(queries.diagnostics, server_id)
        frame["config_drive"] = self._files.path(server_id, files.CONFIG).exists()
        return frame

    # -- how ----------------------------------------------------------------

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

    def _virt_type(self) -> str:
        settings = self.settings
        if settings.virt_type != "auto":
            return settings.virt_type
        if self._proved is None:
            where = settings.proof_dir or settings.state_dir
            found = proof.virt_type(where, settings.boot_files or settings.state_dir / "guest")
            if proof.recall(where) != found:
                # nothing to prove it with yet, so it is asked again
                return found.virt_type
            self._proved = found.virt_type
        return self._proved

    def _bring_up(self, server_id: str) -> None:
        """Start the guest, or wait for a start that another process was killed in."""
        deadline = clock.monotonic() + _START_SECONDS
        while not self._host.call(_step_up, server_id):
            if clock.monotonic() > deadline:
                raise exceptions.GuestOperationFailed(
                    verb="start", server_id=server_id,
                    reason=f"it does not run after {_START_SECONDS} s",
                )
            concurrency.sleep(_POLL_SECONDS)

    def _stop(self, server_id: str, timeout: float) -> None:
        found = self._must(server_id)
        # a paused guest can't hear the power button
        if found.power_state == PowerState.RUNNING and timeout > 0:
            now = clock.monotonic()
            deadline, press = now + timeout, now
            while now < deadline:
                if now >= press:
                    self._host.call(_press_power_button, server_id)
                    press = now + _PRESS_AGAIN_SECONDS
                concurrency.sleep(min(_POLL_SECONDS, deadline - now))
                if self._must(server_id).power_state == PowerState.SHUTDOWN:
                    return
                now = clock.monotonic()
            LOG.info("Server %s did not power off within %s s", server_id, timeout)
        self._host.call(_pull_the_plug, server_id)

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
    def _verb(self, verb: str, server_id: str) -> Iterator[None]:
        """What libvirt tells of the server meanwhile is our own doing, not an event."""
        self._busy[server_id] += 1
        try:
            with self._explained(verb, server_id):
                yield
        finally:
            # learn first: an event that is still on its way must find nothing new
            self._learn(server_id)
            self._busy[server_id] -= 1
            if not self._busy[server_id]:
                del self._busy[server_id]

    @contextlib.contextmanager
    def _explained(self, verb: str, server_id: str) -> Iterator[None]:
        try:
            yield
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                raise exceptions.GuestNotFound(server_id=server_id) from error
            LOG.warning("Can't %s server %s: %s", verb, server_id, error)
            raise exceptions.GuestOperationFailed(
                verb=verb, server_id=server_id, reason=queries.reason(error)
            ) from error

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
        if now is not None and now != before:
            self._tell(GuestEvent(change.server_id, now, change.reason))

    def _returned(self) -> None:
        """libvirt is back: look for what happened to guests while nobody told."""
        try:
            servers = {*self._known, *(guest.server_id for guest in self.guests())}
        except exceptions.HypervisorUnavailable:
            return
        for server_id in sorted(servers):
            self._changed(Changed(server_id, "noticed when libvirt came back"))

    def _tell(self, event: GuestEvent) -> None:
        LOG.info("Server %s is %s: %s", event.server_id, event.power_state.value, event.reason)
        sink: Callable[[GuestEvent], None] | None = self._on_event
        if sink is not None:
            # not in the reader: what the sink does, or raises, must not stop the next event
            concurrency.spawn(sink, event)


def _define(conn: Any, xml: str) -> None:
    conn.defineXML(xml)


def _step_up(conn: Any, server_id: str) -> bool:
    """Do what is next on the way to a guest that runs; True if it does."""
    dom = conn.lookupByName(domain.name_of(server_id))
    state, reason = dom.state()
    with _already():
        if state == libvirt.VIR_DOMAIN_PAUSED and reason != libvirt.VIR_DOMAIN_PAUSED_STARTING_UP:
            dom.resume()
        elif state == libvirt.VIR_DOMAIN_PMSUSPENDED:
            dom.pMWakeup()
        elif state in (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_CRASHED):
            dom.create()
    return dom.state()[0] in (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_BLOCKED)


def _press_power_button(conn: Any, server_id: str) -> None:
    dom = conn.lookupByName(domain.name_of(server_id))
    with _already():
        dom.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)


def _pull_the_plug(conn: Any, server_id: str) -> None:
    dom = conn.lookupByName(domain.name_of(server_id))
    with _already():
        dom.destroy()


def _destroy(conn: Any, server_id: str) -> None:
    dom = conn.lookupByName(domain.name_of(server_id))
    with _already():
        dom.destroy()
    dom.undefineFlags(_FORGET)


@contextlib.contextmanager
def _already() -> Iterator[None]:
    """A guest that is already what was wanted refuses to be made so."""
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
            raise
