"""The volumes of the libvirt driver's guests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mycloud.common import exceptions
from mycloud.compute.connectors import this_host
from mycloud.compute.drivers.base import ComputeDriver, VolumeCopy, VolumeDisk, VolumeState


class LibvirtVolumes(ComputeDriver):
    """The part of the libvirt driver that has to do with volumes."""

    _hostname: str

    def connector(self) -> dict[str, Any]:
        settings = self.settings
        return this_host.connector(self._hostname, settings.address, settings.pki_dir)

    def prepare_encryption(self, disk: VolumeDisk) -> None:
        raise _not_yet("encrypt", "")

    def attach_volume(self, server_id: str, disk: VolumeDisk) -> None:
        raise _not_yet("attach a volume to", server_id)

    def has_volume(self, server_id: str, volume_id: str) -> bool:
        return False

    def volumes(self, server_id: str) -> dict[str, VolumeState]:
        return {}

    def detach_volume(self, server_id: str, volume_id: str, timeout: float) -> None:
        return

    def disconnect_volume(self, connection: dict[str, Any]) -> None:
        return

    def can_extend(self, server_id: str, volume_id: str) -> bool:
        return True

    def extend_volume(self, server_id: str, volume_id: str, size_bytes: int) -> None:
        raise _not_yet("extend a volume of", server_id)

    def copy_volume(
        self, server_id: str, volume_id: str, target: Path, target_format: str
    ) -> VolumeCopy:
        raise _not_yet("copy a volume of", server_id)

    def swap_volume(self, server_id: str, old_volume_id: str, new: VolumeDisk) -> None:
        raise _not_yet("swap a volume of", server_id)

    def swapped(self, server_id: str, new: VolumeDisk) -> bool:
        return False

    def abort_swap(self, server_id: str, old_volume_id: str) -> None:
        return

    def io_error(self, server_id: str) -> bool:
        return False

    def resume_after_io_error(self, server_id: str) -> bool:
        raise _not_yet("resume", server_id)


def _not_yet(verb: str, server_id: str) -> exceptions.GuestOperationFailed:
    return exceptions.GuestOperationFailed(
        verb=verb, server_id=server_id, reason="the libvirt driver has no volumes yet"
    )
