"""All exports of one backend: which protocol serves which host."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mycloud.common import connection_info, exceptions, pki
from mycloud.disk import machine
from mycloud.objects.attachment import Attachment
from mycloud.volume import qos
from mycloud.volume.drivers.base import BackendSettings, Source
from mycloud.volume.exports.base import Exporter, ExportSettings
from mycloud.volume.exports.fake import FakeExporter
from mycloud.volume.exports.iscsi import IscsiExporter
from mycloud.volume.exports.local import LocalExporter, reaches
from mycloud.volume.exports.nbd import NbdExporter
from mycloud.volume.exports.nfs import NfsExporter

LOG = logging.getLogger(__name__)

_EXPORTERS: tuple[type[Exporter], ...] = (
    LocalExporter, NbdExporter, IscsiExporter, NfsExporter, FakeExporter,
)
_AUTO = "auto"


def halt(backend_dir: Path) -> int:
    """End the processes of all exports of the backend that keeps its things there; how many ran.

    For a cloud that is stopped: its guests are off, and the exports come back when it starts.
    """
    return sum(
        made(ExportSettings(state_dir=_place(backend_dir, made))).halt()
        for made in _EXPORTERS
        if made is not NfsExporter and _place(backend_dir, made).is_dir()
    )


def _place(backend_dir: Path, made: type[Exporter]) -> Path:
    return backend_dir / "exports" / made.PROTOCOL


class Board:
    """The exports of a backend, by attachment id.

    :param protocol: of the backend's driver (``file``, ``lvm``, ``nfs``, ``fake``)
    :param address: where other hosts reach this one
    """

    def __init__(
        self, settings: BackendSettings, protocol: str, *, address: str, pki_dir: Path | None
    ) -> None:
        self._settings = settings
        self._driver_protocol = protocol
        self._pki_dir = pki_dir
        self._exporters: dict[str, Exporter] = {}
        for made in _EXPORTERS:
            if made is NfsExporter and protocol != connection_info.NFS:
                continue
            self._exporters[made.PROTOCOL] = made(
                ExportSettings(
                    state_dir=_place(settings.state_dir, made),
                    address=address,
                    pki_dir=pki_dir,
                    options={
                        "share": settings.options.get("nfs_share"),
                        "mount_point": settings.options.get("nfs_mount_point"),
                    },
                )
            )

    def ensure(
        self, attachment: Attachment, source: Source, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Export a volume to the host of the connector; its connection_info.

        :raises ExportFailed:
        """
        protocol = self._choose(source, connector)
        if protocol not in self._exporters:
            raise exceptions.ExportFailed(
                attachment_id=attachment.id, protocol=protocol,
                reason="this backend has no such protocol; see export_protocol in its options",
            )
        for other, exporter in self._exporters.items():
            if other != protocol:
                exporter.remove(attachment.id)
        data = self._exporters[protocol].ensure(
            attachment.id, source, connector,
            read_only=not attachment.writable, shared=attachment.multiattach,
        )
        return {
            "driver_volume_type": protocol,
            "data": data,
            "volume_id": attachment.volume_id,
            "access_mode": "rw" if attachment.writable else "ro",
            "encrypted": attachment.encrypted,
            "multiattach": attachment.multiattach,
            "qos_specs": qos.iotune(
                attachment.qos_consumer or "", attachment.qos or {}, attachment.volume_size_gb
            ),
        }

    def _choose(self, source: Source, connector: Mapping[str, Any]) -> str:
        if self._driver_protocol in (connection_info.FAKE, connection_info.NFS):
            return self._driver_protocol
        wanted = str(self._settings.options.get("export_protocol") or _AUTO)
        if wanted != _AUTO:
            return wanted
        return connection_info.LOCAL if reaches(source, connector) else connection_info.NBD

    @property
    def pki_dir(self) -> Path | None:
        """Where the certificates of this host are; None: it has none."""
        return self._pki_dir

    def connector(self, host: str) -> dict[str, Any]:
        """What another volume service must know of this one, called ``host``, to let it read."""
        subject = None
        if self._pki_dir is not None and (self._pki_dir / pki.CLIENT_CERTIFICATE).exists():
            subject = pki.certificate_subject(self._pki_dir / pki.CLIENT_CERTIFICATE)
        return {
            "host": host, "machine": machine.mark(), "nbd_unix": True,
            "certificate_subject": subject,
        }

    def lend(self, key: str, source: Source, connector: Mapping[str, Any]) -> dict[str, Any]:
        """Let another volume service read a volume that nobody writes to; a connection_info of
        type local or nbd. ``remove`` ends it.

        :raises ExportFailed:
        """
        if reaches(source, connector):
            data = {"device_path": str(source.path.absolute()), "format": source.format}
            return {"driver_volume_type": connection_info.LOCAL, "data": data}
        data = self._exporters[connection_info.NBD].ensure(
            key, source, connector, read_only=True, shared=False
        )
        return {"driver_volume_type": connection_info.NBD, "data": data}

    def remove(self, attachment_id: str) -> None:
        """End the export, whatever its protocol."""
        for exporter in self._exporters.values():
            exporter.remove(attachment_id)

    def protocol_of(self, attachment_id: str) -> str | None:
        """By which protocol it is exported; None: not at all."""
        for protocol, exporter in self._exporters.items():
            known = exporter.keys()
            if attachment_id in known:
                return protocol
        return None

    def all(self) -> dict[str, bool]:
        """Attachment id to whether its export serves."""
        found = {}
        for exporter in self._exporters.values():
            found.update({key: exporter.alive(key) for key in iter(exporter.keys())})
        return found

    def revive(self) -> list[str]:
        """Start again what has died; the attachment ids."""
        return [key for exporter in self._exporters.values() for key in exporter.revive()]

    def copy(self, attachment_id: str, target: Source) -> bool:
        """Copy what an export holds at this moment; False if only its host can."""
        protocol = self.protocol_of(attachment_id)
        return protocol is not None and self._exporters[protocol].copy(attachment_id, target)
