"""The volumes of the fake driver's guests: written down in the guest's file, without content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mycloud.common import connection_info, exceptions, faults
from mycloud.compute.connectors import this_host
from mycloud.compute.drivers.base import (
    ComputeDriver,
    EventSink,
    GuestEvent,
    PowerState,
    VolumeCopy,
    VolumeDisk,
    VolumeState,
)
from mycloud.compute.drivers.json_files import JsonFiles
from mycloud.disk import qemu_img

_ON = (PowerState.RUNNING, PowerState.PAUSED)
_GIB = 1 << 30


class FakeVolumes(ComputeDriver):
    """The part of the fake driver that has to do with volumes."""

    faults: faults.FaultFile
    _files: JsonFiles
    _host: str
    _on_event: EventSink | None

    # -- verbs --------------------------------------------------------------

    def connector(self) -> dict[str, Any]:
        self._strike("connector")
        settings = self.settings
        return this_host.connector(self._host, settings.address, settings.pki_dir)

    def prepare_encryption(self, disk: VolumeDisk) -> None:
        self._strike("prepare_encryption")

    def attach_volume(self, server_id: str, disk: VolumeDisk) -> None:
        self._strike("attach_volume", server_id)
        found = self._must(server_id)
        self._keep(server_id, found, {**found["volumes"], disk.volume_id: self._connect(disk)})

    def has_volume(self, server_id: str, volume_id: str) -> bool:
        self._strike("has_volume", server_id)
        return volume_id in (self._files.read("guests", server_id) or {"volumes": {}})["volumes"]

    def volumes(self, server_id: str) -> dict[str, VolumeState]:
        self._strike("volumes", server_id)
        found = self._files.read("guests", server_id)
        if found is None:
            return {}
        live = found["power_state"] in _ON
        return {
            volume_id: VolumeState(each["device"], live, True, each["source"])
            for volume_id, each in found["volumes"].items()
        }

    def detach_volume(self, server_id: str, volume_id: str, timeout: float) -> None:
        self._strike("detach_volume", server_id)
        found = self._files.read("guests", server_id)
        if found is None or volume_id not in found["volumes"]:
            return
        if found.get("holds") and found["power_state"] in _ON:
            raise exceptions.DetachTimedOut(
                server_id=server_id, volume_id=volume_id, seconds=timeout
            )
        left = {key: each for key, each in found["volumes"].items() if key != volume_id}
        self._keep(server_id, found, left)

    def disconnect_volume(self, connection: dict[str, Any]) -> None:
        self._strike("disconnect_volume")
        self._files.remove("connections", connection["volume_id"])

    def can_extend(self, server_id: str, volume_id: str) -> bool:
        self._strike("can_extend", server_id)
        found = self._files.read("guests", server_id)
        if found is None or found["power_state"] not in _ON:
            return True
        disk = found["volumes"].get(volume_id)
        return disk is None or disk["type"] in connection_info.GROWS_ONLINE

    def extend_volume(self, server_id: str, volume_id: str, size_bytes: int) -> None:
        self._strike("extend_volume", server_id)
        found, disk = self._must_have(server_id, volume_id)
        if not self.can_extend(server_id, volume_id):
            raise exceptions.OnlineExtendUnsupported(
                volume_id=volume_id, server_id=server_id, protocol=disk["type"]
            )
        grown = {**disk, "size_bytes": size_bytes}
        self._keep(server_id, found, {**found["volumes"], volume_id: grown})

    def copy_volume(
        self, server_id: str, volume_id: str, target: Path, target_format: str,
        *, secret: bytes | None = None,
    ) -> VolumeCopy:
        """The copy holds nothing; a target that is there keeps its size."""
        self._strike("copy_volume", server_id)
        found, disk = self._must_have(server_id, volume_id)
        if found["power_state"] not in _ON:
            raise exceptions.VolumeNotInGuest(server_id=server_id, volume_id=volume_id)
        if disk["encrypted"] and secret is None:
            raise exceptions.EncryptionRefused(
                volume_id=volume_id, reason="its copy would not be encrypted"
            )
        size = int(disk.get("size_bytes") or _GIB)
        if not target.exists():
            if target_format == "raw":
                with target.open("wb") as file:
                    file.truncate(size)
            else:
                qemu_img.create_empty(target, size)
        return VolumeCopy(size, quiesced=False)

    def swap_volume(
        self, server_id: str, old_volume_id: str, new: VolumeDisk, *, only_live: bool = False
    ) -> None:
        self._strike("swap_volume", server_id)
        if self.swapped(server_id, new):
            return
        found, old = self._must_have(server_id, old_volume_id)
        if only_live and found["power_state"] not in _ON:
            raise exceptions.GuestOperationFailed(
                verb="swap a disk of", server_id=server_id, reason="it is off"
            )
        left = {key: each for key, each in found["volumes"].items() if key != old_volume_id}
        now = {**self._connect(new), "device": old["device"]}
        self._keep(server_id, found, {**left, new.volume_id: now})

    def swapped(self, server_id: str, new: VolumeDisk) -> bool:
        self._strike("swapped", server_id)
        return self._has(server_id, new)

    def _has(self, server_id: str, wanted: VolumeDisk) -> bool:
        found = self._files.read("guests", server_id)
        disk = None if found is None else found["volumes"].get(wanted.volume_id)
        return disk is not None and disk["print"] == _print(wanted.connection)

    def uses(self, server_id: str, disk: VolumeDisk) -> bool:
        self._strike("uses", server_id)
        return self._has(server_id, disk)

    def tune_volume(self, server_id: str, volume_id: str, iotune: Mapping[str, int]) -> None:
        self._strike("tune_volume", server_id)
        found, disk = self._must_have(server_id, volume_id)
        tuned = {**disk, "iotune": dict(iotune)}
        self._keep(server_id, found, {**found["volumes"], volume_id: tuned})

    def abort_swap(self, server_id: str, old_volume_id: str) -> None:
        """A swap is done at once here: there is nothing to break off."""
        self._strike("abort_swap", server_id)

    def io_error(self, server_id: str) -> bool:
        self._strike("io_error", server_id)
        return bool((self._files.read("guests", server_id) or {}).get("io_error"))

    def resume_after_io_error(self, server_id: str) -> bool:
        self._strike("resume_after_io_error", server_id)
        found = self._must(server_id)
        if found.get("broken"):
            return False
        if found.get("io_error"):
            found.update(io_error=False, power_state=PowerState.RUNNING)
            self._files.write("guests", server_id, found)
        return bool(found["power_state"] == PowerState.RUNNING)

    # -- what happens behind our back ---------------------------------------

    def hold_volumes(self, server_id: str, *, hold: bool) -> None:
        """Whether the guest, while it runs, lets go of no volume.  :raises GuestNotFound:"""
        self._files.write("guests", server_id, {**self._must(server_id), "holds": hold})

    def break_disk(self, server_id: str) -> None:
        """Let a disk answer no more: the guest pauses, and the event is delivered.

        :raises GuestNotFound:
        """
        found = {**self._must(server_id), "io_error": True, "broken": True}
        self._files.write("guests", server_id, {**found, "power_state": PowerState.PAUSED})
        if self._on_event is not None:
            self._on_event(
                GuestEvent(server_id, PowerState.PAUSED, "a disk does not answer", io_error=True)
            )

    def mend_disk(self, server_id: str) -> None:
        """Let the disk answer again; the guest stays paused.  :raises GuestNotFound:"""
        self._files.write("guests", server_id, {**self._must(server_id), "broken": False})

    # -- how ----------------------------------------------------------------

    def _strike(self, verb: str, server_id: str | None = None) -> None:
        self.faults.strike(verb, server_id)

    def _connect(self, disk: VolumeDisk) -> dict[str, Any]:
        """What is written down of a disk; never a secret."""
        self._files.write("connections", disk.volume_id, {"tag": disk.tag})
        kind = disk.connection["driver_volume_type"]
        known = connection_info.without_secrets(disk.connection) or {}
        words = " ".join(f"{key}={value}" for key, value in sorted(known["data"].items()))
        return {
            "device": disk.device,
            "type": kind,
            "source": f"{kind} {words}".strip(),
            "print": _print(disk.connection),
            "boot_index": disk.boot_index,
            "iotune": disk.iotune,
            "encrypted": disk.secret is not None,
        }

    def _connected_anew(self, server_id: str, volumes: Sequence[VolumeDisk]) -> dict[str, Any]:
        """The guest with fresh connections of those volumes that it has."""
        found = self._must(server_id)
        for disk in volumes:
            if disk.volume_id in found["volumes"]:
                device = found["volumes"][disk.volume_id]["device"]
                found["volumes"][disk.volume_id] = {**self._connect(disk), "device": device}
        return found

    def _keep(self, server_id: str, found: dict[str, Any], volumes: dict[str, Any]) -> None:
        self._files.write("guests", server_id, {**found, "volumes": volumes})

    def _must(self, server_id: str) -> dict[str, Any]:
        found = self._files.read("guests", server_id)
        if found is None:
            raise exceptions.GuestNotFound(server_id=server_id)
        return found

    def _must_have(self, server_id: str, volume_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        found = self._must(server_id)
        if volume_id not in found["volumes"]:
            raise exceptions.VolumeNotInGuest(server_id=server_id, volume_id=volume_id)
        return found, found["volumes"][volume_id]


def _print(connection: dict[str, Any]) -> str:
    """What tells one connection from another without showing it."""
    words = [connection["driver_volume_type"], connection.get("data", {})]
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()
