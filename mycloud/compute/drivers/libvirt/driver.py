"""The libvirt driver: QEMU guests, in KVM where it is proved, else in TCG."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oslo_concurrency import processutils
from oslo_log import log

from mycloud.agent.hypervisor import GuestFigures
from mycloud.agent.statistics import proc
from mycloud.common import clock, concurrency, exceptions
from mycloud.compute.connectors.base import DiskSource
from mycloud.compute.drivers import diagnostics, hostinfo
from mycloud.compute.drivers.base import (
    DriverSettings,
    EventSink,
    GuestSpec,
    HostInventory,
    PowerState,
    Snapshot,
    VolumeDisk,
)
from mycloud.compute.drivers.libvirt import (
    disks,
    domain,
    files,
    mirrors,
    power,
    queries,
    statistics,
)
from mycloud.compute.drivers.libvirt.volumes import LibvirtVolumes
from mycloud.compute.hypervisor import proof
from mycloud.disk import qemu_img
from mycloud.disk.image_spec import Fetch, ImageSpec

LOG = log.getLogger(__name__)

_POLL_SECONDS = 0.1
_START_SECONDS = 60
#: a guest that is still booting does not hear the power button, so it is pressed again
_PRESS_AGAIN_SECONDS = 3.0
#: of a libvirt that is not ours alone
_SYSTEM_LOGS = Path("/var/log/libvirt")

_ON = (PowerState.RUNNING, PowerState.PAUSED)


class LibvirtDriver(LibvirtVolumes):
    """Guests of the libvirt that the settings name, or of a private one.

    Guests that run when the driver starts are simply there: everything is looked up by name,
    and nothing of them is kept in memory but the power state that was told last.
    """

    def __init__(self, settings: DriverSettings) -> None:
        super().__init__(settings)
        self._proved: str | None = None
        self._figures = statistics.Figures()

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
        if self._private is not None:
            self._secrets.forget_all()
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
            free_disk_gb=(usage.free - self._files.unwritten_bytes()) >> 30,
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
        return proc.uptime_line()

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
                if found.power_state in _ON:
                    mirror = mirrors.Mirror(self._host.call, server_id, mirrors.ROOT_TARGET)
                    mirror.end()
                    mirror.begin(disks.copy_element(fresh, "qcow2"), existing=False)
                    mirror.break_off()
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
        connected = self._connect_all(spec.volumes)
        machine = domain.Machine(
            self._virt_type(), hostinfo.architecture(), self._files.path(spec.server_id),
            {disk.volume_id: source for disk, source in connected},
            self._private.agent_socket(spec.server_id) if self._private is not None else None,
        )
        self._look_after_daemons()
        with (
            self._verb("spawn", spec.server_id, hidden=_hidden(connected)),
            self._secrets.lent(*connected),
        ):
            self._host.call(power.define, domain.xml(spec, machine))
            self._bring_up(spec.server_id)

    def spawned(self, server_id: str) -> bool:
        found = self.guest(server_id)
        return found is not None and found.power_state == PowerState.RUNNING

    def power_on(self, server_id: str, *, volumes: Sequence[VolumeDisk] = ()) -> None:
        self._look_after_daemons()
        connected = self._connect_all(volumes)
        with self._verb("power on", server_id, hidden=_hidden(connected)):
            self._start(server_id, connected)

    def power_off(self, server_id: str, timeout: float) -> None:
        with self._verb("power off", server_id):
            self._stop(server_id, timeout)

    def reboot(
        self, server_id: str, hard: bool, timeout: float, *, volumes: Sequence[VolumeDisk] = ()
    ) -> None:
        self._look_after_daemons()
        connected = self._connect_all(volumes)
        with self._verb("reboot", server_id, hidden=_hidden(connected)):
            self._stop(server_id, 0 if hard else timeout)
            self._start(server_id, connected)

    def destroy(self, server_id: str) -> None:
        with contextlib.suppress(exceptions.GuestNotFound), self._verb("destroy", server_id):
            self._host.call(power.destroy, server_id)

    def console_log(self, server_id: str, length: int | None = None) -> str:
        return self._files.console(server_id, length)

    def diagnostics(self, server_id: str) -> dict[str, Any]:
        with self._explained("diagnose", server_id):
            guest = self._host.call(self._figures.one, server_id)
            kind = self._host.call(queries.host_facts).hypervisor_type
        return diagnostics.document(
            guest,
            driver="libvirt",
            hypervisor=kind.lower(),
            config_drive=self._files.path(server_id, files.CONFIG).exists(),
            uptime=self._uptime_of(server_id),
        )

    def statistics(self) -> list[GuestFigures]:
        found: list[GuestFigures] = self._ask(self._figures.all, self._ours)
        return found

    def versions(self) -> dict[str, str]:
        found: dict[str, str] = self._ask(queries.versions)
        return found

    def log_files(self) -> list[Path]:
        if self._private is not None:
            return self._private.log_files()
        return sorted(path for path in _SYSTEM_LOGS.rglob("*") if path.is_file())

    # -- how ----------------------------------------------------------------

    def _uptime_of(self, server_id: str) -> int | None:
        """Seconds that the guest's process has run; None: it does not, or is another's."""
        if self._private is None:
            return None
        return self._private.guest_seconds(domain.name_of(server_id))

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

    def _start(self, server_id: str, connected: list[tuple[VolumeDisk, DiskSource]]) -> None:
        """Start the guest with these connections of its volumes."""
        if connected and self._must(server_id).power_state not in _ON:
            fresh = {disk.volume_id: disks.element(disk, source) for disk, source in connected}
            self._host.call(power.redefine, server_id, fresh)
        with self._secrets.lent(*connected):
            self._bring_up(server_id)

    def _bring_up(self, server_id: str) -> None:
        """Start the guest, or wait for a start that another process was killed in."""
        deadline = clock.monotonic() + _START_SECONDS
        while not self._host.call(power.step_up, server_id):
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
                    self._host.call(power.press_power_button, server_id)
                    press = now + _PRESS_AGAIN_SECONDS
                concurrency.sleep(min(_POLL_SECONDS, deadline - now))
                if self._must(server_id).power_state == PowerState.SHUTDOWN:
                    return
                now = clock.monotonic()
            LOG.info("Server %s did not power off within %s s", server_id, timeout)
        self._host.call(power.pull_the_plug, server_id)


def _hidden(connected: list[tuple[VolumeDisk, DiskSource]]) -> list[str]:
    return [secret for _, source in connected for secret in source.secrets()]
