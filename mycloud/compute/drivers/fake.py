"""A hypervisor of small files: as quick as a file is written, and as lasting.

Each guest and each disk is one JSON file under the state directory, written whole and put in
place by a rename, so a driver that is killed at any moment finds a true state when it comes
back.  Nothing is kept in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mycloud.agent.hypervisor import GuestFigures
from mycloud.agent.statistics import proc
from mycloud.common import clock, exceptions, faults
from mycloud.compute.drivers import diagnostics, fake_figures, hostinfo
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
from mycloud.compute.drivers.fake_volumes import FakeVolumes
from mycloud.compute.drivers.json_files import JsonFiles
from mycloud.disk import image_check
from mycloud.disk.image_spec import Fetch, ImageSpec

#: What the disk of any fake guest holds: nothing.
_SNAPSHOT_BYTES = bytes(1 << 20)
_ON = (PowerState.RUNNING, PowerState.PAUSED)


class FakeDriver(FakeVolumes):
    """Guests that are only remembered.

    Beyond the driver's promises it offers ``faults`` (see there), and what somebody does to a
    guest behind our back: ``kill_guest``, ``lose_guest``, ``hold_volumes``, ``break_disk``.
    """

    def __init__(self, settings: DriverSettings) -> None:
        super().__init__(settings)
        self._root = settings.state_dir
        self._host = "fake"
        self._on_event = None
        self._files = JsonFiles(
            self._root, "guests", "disks", "images", "snapshots", "connections"
        )
        self.faults = faults.FaultFile(self._root / "fault", _error)

    # -- the host -----------------------------------------------------------

    def init_host(self, host: str, on_event: EventSink) -> None:
        self._strike("init_host")
        self._host = host
        self._on_event = on_event

    def close(self) -> None:
        self.faults.close()
        self._on_event = None

    def inventory(self) -> HostInventory:
        self._strike("inventory")
        has = self.settings
        taken = sum(int(disk["gb"]) for _, disk in self._files.each("disks"))
        arch = hostinfo.architecture()
        return HostInventory(
            vcpus=has.fake_vcpus,
            memory_mb=has.fake_memory_mb,
            disk_gb=has.fake_disk_gb,
            free_disk_gb=has.fake_disk_gb - taken,
            hypervisor_type="fake",
            hypervisor_version=1000000,
            hypervisor_hostname=self._host,
            cpu_info={
                "arch": arch,
                "model": "fake",
                "vendor": "mycloud",
                "features": [],
                "topology": {"sockets": 1, "cores": has.fake_vcpus, "threads": 1},
            },
            capabilities={"hypervisor_type": "fake", "virt_type": "fake", "arch": arch},
        )

    def uptime(self) -> str:
        self._strike("uptime")
        return proc.uptime_line()

    def guests(self) -> list[GuestInfo]:
        self._strike("guests")
        return [_info(server_id, found) for server_id, found in self._files.each("guests")]

    def guest(self, server_id: str) -> GuestInfo | None:
        self._strike("guest", server_id)
        found = self._files.read("guests", server_id)
        return None if found is None else _info(server_id, found)

    def leftovers(self) -> list[str]:
        self._strike("leftovers")
        return self._files.names("disks")

    def has_files(self, server_id: str) -> bool:
        self._strike("has_files", server_id)
        return self._files.path("disks", server_id).exists()

    # -- images and disks ---------------------------------------------------

    def image_ready(self, spec: ImageSpec) -> bool:
        self._strike("image_ready")
        return self._files.read("images", _image_key(spec)) is not None

    def ensure_image(self, spec: ImageSpec, fetch: Fetch) -> None:
        self._strike("ensure_image")
        if self._files.read("images", _image_key(spec)) is not None:
            return
        fresh = self._root / "images" / f".{clock.new_id()}.part"
        try:
            fetch(fresh)
            verdict = image_check.check(spec, fresh)
        finally:
            fresh.unlink(missing_ok=True)
        self._files.write(
            "images", _image_key(spec),
            {"format": verdict.disk_format, "virtual_size": verdict.virtual_size},
        )

    def disk_ready(self, spec: GuestSpec) -> bool:
        self._strike("disk_ready", spec.server_id)
        return self._files.read("disks", spec.server_id) is not None

    def create_disk(self, spec: GuestSpec) -> None:
        self._strike("create_disk", spec.server_id)
        if self._files.read("disks", spec.server_id) is not None:
            return
        root_gb = spec.root_gb if spec.has_root_disk else 0
        if spec.image is not None and spec.has_root_disk:
            cached = self._files.read("images", _image_key(spec.image))
            if cached is None:
                raise image_check.not_cached(spec.image)
            root_gb = image_check.root_disk_gb(
                spec.image, spec.root_gb, cached["virtual_size"]
            )
        self._files.write(
            "disks", spec.server_id,
            {
                "gb": root_gb + spec.ephemeral_gb,
                "blank": [disk.size_mb for disk in spec.blank_disks],
                "config_drive": spec.config_files is not None,
            },
        )

    def take_snapshot(self, server_id: str, name: str) -> Snapshot:
        self._strike("take_snapshot", server_id)
        self._must(server_id)
        path = self._snapshot_path(server_id, name)
        fresh = path.with_name(f".{path.name}")
        fresh.write_bytes(_SNAPSHOT_BYTES)
        fresh.replace(path)
        return Snapshot(path, "raw")

    def snapshot(self, server_id: str, name: str) -> Snapshot | None:
        self._strike("snapshot", server_id)
        path = self._snapshot_path(server_id, name)
        return Snapshot(path, "raw") if path.exists() else None

    def drop_snapshot(self, server_id: str, name: str) -> None:
        self._strike("drop_snapshot", server_id)
        self._snapshot_path(server_id, name).unlink(missing_ok=True)

    def delete_disk(self, server_id: str) -> None:
        self._strike("delete_disk", server_id)
        for path in (self._root / "snapshots").glob(f"*{server_id}.*"):
            path.unlink(missing_ok=True)
        self._files.remove("disks", server_id)

    # -- guests -------------------------------------------------------------

    def spawn(self, spec: GuestSpec) -> None:
        self._strike("spawn", spec.server_id)
        found = self._files.read("guests", spec.server_id)
        if found is not None and found["power_state"] in _ON:
            return
        if self._files.read("disks", spec.server_id) is None:
            raise exceptions.GuestOperationFailed(
                verb="spawn", server_id=spec.server_id, reason="its disks are not on the host"
            )
        boots = found["boots"] if found is not None else []
        self._files.write(
            "guests", spec.server_id,
            {
                "name": spec.name,
                "vcpus": spec.vcpus,
                "memory_mb": spec.memory_mb,
                "power_state": PowerState.RUNNING,
                "boots": [*boots, _time()],
                "metadata": spec.metadata,
                "volumes": {disk.volume_id: self._connect(disk) for disk in spec.volumes},
            },
        )

    def spawned(self, server_id: str) -> bool:
        self._strike("spawned", server_id)
        found = self._files.read("guests", server_id)
        return found is not None and found["power_state"] == PowerState.RUNNING

    def power_on(self, server_id: str, *, volumes: Sequence[VolumeDisk] = ()) -> None:
        self._strike("power_on", server_id)
        found = self._connected_anew(server_id, volumes)
        if found["power_state"] not in _ON:
            self._boot(server_id, found)

    def power_off(self, server_id: str, timeout: float) -> None:
        self._strike("power_off", server_id)
        found = self._must(server_id)
        if found["power_state"] != PowerState.SHUTDOWN:
            off = {**found, "power_state": PowerState.SHUTDOWN, "io_error": False}
            self._files.write("guests", server_id, off)

    def reboot(
        self, server_id: str, hard: bool, timeout: float, *, volumes: Sequence[VolumeDisk] = ()
    ) -> None:
        self._strike("reboot", server_id)
        self._boot(server_id, self._connected_anew(server_id, volumes))

    def destroy(self, server_id: str) -> None:
        self._strike("destroy", server_id)
        self._files.remove("guests", server_id)

    def console_log(self, server_id: str, length: int | None = None) -> str:
        self._strike("console_log", server_id)
        found = self._files.read("guests", server_id)
        if found is None:
            return ""
        lines: list[str] = []
        for number, when in enumerate(found["boots"], 1):
            lines += [
                f"[    0.000000] Booting {found['name']} at {when}, boot {number}",
                f"[    0.000214] {found['vcpus']} processors, {found['memory_mb']} MiB memory",
                "[    0.000731] vda: virtio disk",
                "fake guest READY",
            ]
        if length is not None:
            lines = lines[len(lines) - min(length, len(lines)):]
        return "".join(f"{line}\n" for line in lines)

    def diagnostics(self, server_id: str) -> dict[str, Any]:
        self._strike("diagnostics", server_id)
        found = self._must(server_id)
        disk = self._files.read("disks", server_id)
        runs = found["power_state"] in _ON
        return diagnostics.document(
            self._figures(server_id, found),
            driver="fake",
            hypervisor="fake",
            config_drive=bool(disk and disk["config_drive"]),
            uptime=int(fake_figures.run_seconds(found)) if runs else None,
        )

    def statistics(self) -> list[GuestFigures]:
        self._strike("statistics")
        return [
            self._figures(server_id, found)
            for server_id, found in self._files.each("guests") if found["power_state"] in _ON
        ]

    def versions(self) -> dict[str, str]:
        return {"fake": "1.0.0"}

    def log_files(self) -> list[Path]:
        return []

    # -- what happens behind our back ---------------------------------------

    def kill_guest(self, server_id: str, state: PowerState = PowerState.SHUTDOWN) -> None:
        """Let the guest die as if its process were killed; the event is delivered.

        :raises GuestNotFound:
        """
        self._files.write("guests", server_id, {**self._must(server_id), "power_state": state})
        if self._on_event is not None:
            self._on_event(GuestEvent(server_id, state, "killed from outside"))

    def lose_guest(self, server_id: str) -> None:
        """Let the hypervisor forget the guest without a word, its disks too."""
        self._files.remove("guests", server_id)
        self._files.remove("disks", server_id)

    # -- files --------------------------------------------------------------

    def _strike(self, verb: str, server_id: str | None = None) -> None:
        self.faults.strike(verb, server_id)

    def _figures(self, server_id: str, found: dict[str, Any]) -> GuestFigures:
        runs = found["power_state"] in _ON
        return fake_figures.guest(
            server_id, found, self._files.read("disks", server_id) or {},
            fake_figures.run_seconds(found) if runs else 0.0,
        )

    def _boot(self, server_id: str, found: dict[str, Any]) -> None:
        self._files.write(
            "guests", server_id,
            {
                **found,
                "power_state": PowerState.RUNNING,
                "boots": [*found["boots"], _time()],
                "io_error": False,
            },
        )

    def _snapshot_path(self, server_id: str, name: str) -> Path:
        return self._files.path("snapshots", f"{server_id}.{name}").with_suffix(".raw")


def _error(verb: str, server_id: str | None, reason: str) -> Exception:
    return exceptions.GuestOperationFailed(verb=verb, server_id=server_id, reason=reason)


def _time() -> str:
    return clock.now().isoformat(timespec="seconds")


def _image_key(spec: ImageSpec) -> str:
    return spec.checksum or spec.id


def _info(server_id: str, found: dict[str, Any]) -> GuestInfo:
    return GuestInfo(
        server_id, PowerState(found["power_state"]), found["vcpus"], found["memory_mb"]
    )
