"""NBD: one ``qemu-storage-daemon`` for each export.

A host on this very machine that asks for it (``"nbd_unix": true`` in its connector, and it sees
the volume's file itself, see ``mycloud.disk.machine``) is given a unix socket, which only this
user can reach. All others come over TCP with mutual TLS: the daemon takes one connection's word
only if its certificate is signed by the cloud's authority and bears exactly the distinguished
name in the connector's ``certificate_subject``. Without certificates there is no TCP export.

Whoever may speak to a server may also ask it for its names, so each export has a server of its
own.

Options: ``port_range``, ``listen_address``.

QEMU 7.2's NBD tells a host nothing of a volume that grows, and a daemon serves the size that
it has seen at its start.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from oslo_concurrency import processutils

from mycloud.common import clock, connection_info, exceptions
from mycloud.disk import machine, short_path
from mycloud.disk.qmp import Monitor, QmpLost, QmpRefused
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports import copying
from mycloud.volume.exports.served import Record, ServedExporter
from mycloud.volume.exports.storage_daemon import DISK, PROGRAM, StorageDaemon, add_disk

_EXPORT = "export"
_SOCKET = "nbd.sock"
_NAME_BYTES = 24
_TAKEN = "Address already in use"


@dataclasses.dataclass(frozen=True, kw_only=True)
class NbdRecord(Record):
    """:ivar subject: whose certificate opens it; None: it is a unix socket"""

    name: str
    subject: str | None

    OWN: ClassVar[frozenset[str]] = Record.OWN | {"name"}


class NbdExporter(ServedExporter[NbdRecord]):
    PROTOCOL = connection_info.NBD
    RECORD = NbdRecord
    PORT_RANGE = "10809-12808"

    def copy(self, key: str, target: Source) -> bool:
        record = self._read(key)
        if record is None:
            raise self._failed(key, "there is no such export")
        if record.shared:
            # others write to it past this daemon
            return False
        try:
            copying.copy(self._daemon(key), target)
        except copying.CopyFailed as error:
            raise self._failed(key, f"it can't be copied: {error}") from error
        return True

    # -- how ----------------------------------------------------------------

    def _daemon(self, key: str) -> StorageDaemon:
        return StorageDaemon(self._store.directory(key))

    def _wanted(
        self, key: str, source: Source, connector: Mapping[str, Any], access: Mapping[str, bool]
    ) -> NbdRecord:
        if access["shared"] and source.format != "raw":
            raise self._failed(key, f"a {source.format} image can't be shared; use a raw one")
        return NbdRecord(
            path=str(source.path.absolute()),
            format=source.format,
            host=connector.get("host"),
            name=clock.secret(_NAME_BYTES),
            subject=self._subject(key, source, connector),
            **access,
        )

    def _subject(self, key: str, source: Source, connector: Mapping[str, Any]) -> str | None:
        """Whose certificate shall open it; None for a unix socket."""
        if connector.get("nbd_unix") and machine.sees(
            connector.get("machine"), source.path.absolute()
        ):
            return None
        if self.settings.pki_dir is None:
            raise self._failed(
                key, "this host has no certificates (mycloud-manage certificates), and without "
                "them nothing is given over the network"
            )
        subject = connector.get("certificate_subject")
        if not isinstance(subject, str) or not subject:
            raise self._failed(key, "the server's host has shown no certificate")
        return subject

    def _data(self, key: str, record: NbdRecord) -> dict[str, Any]:
        data: dict[str, Any] = {"export": record.name, "format": "raw"}
        if record.subject is None:
            return {**data, "socket": str(self._socket_path(key))}
        return {**data, "host": self.settings.address, "port": record.port, "tls": True}

    def _serves(self, key: str, seconds: float = 5) -> bool:
        daemon = self._daemon(key)
        if daemon.pid() is None:
            return False
        try:
            with daemon.control(seconds) as monitor:
                exports = monitor.execute("query-block-exports")
        except (QmpLost, QmpRefused):
            return False
        return any(each["id"] == _EXPORT and not each["shutting-down"] for each in exports)

    def _start(self, key: str, record: NbdRecord, *, other_port: bool) -> NbdRecord:
        daemon = self._daemon(key)
        self._end(key)
        try:
            daemon.start()
            with daemon.control() as monitor:
                add_disk(monitor, record.source, read_only=record.read_only)
                record = self._listen(key, record, monitor, other_port=other_port)
                monitor.execute(
                    "block-export-add", type="nbd", id=_EXPORT, node_name=DISK, name=record.name,
                    writable=not record.read_only,
                    # If the daemon dies its host goes on with what was written, flushed or not.
                    # Raw bytes are with the kernel then; qcow2's tables would die with it.
                    writethrough=record.format != "raw",
                )
        except (QmpLost, QmpRefused, OSError, processutils.ProcessExecutionError) as error:
            self._end(key)
            raise self._failed(key, _reason(error)) from error
        return record

    def _listen(
        self, key: str, record: NbdRecord, monitor: Monitor, *, other_port: bool
    ) -> NbdRecord:
        if record.subject is None:
            address = {"type": "unix", "data": {"path": str(self._socket_path(key))}}
            monitor.execute("nbd-server-start", addr=address)
            return record
        monitor.execute(
            "object-add", qom_type="tls-creds-x509", id="tls", dir=str(self.settings.pki_dir),
            endpoint="server", verify_peer=True,
        )
        monitor.execute(
            "object-add", qom_type="authz-simple", id="host", identity=record.subject
        )
        host = str(self.settings.options.get("listen_address") or self.settings.address)
        for port in self._candidates(record, other_port=other_port):
            address = {"type": "inet", "data": {"host": host, "port": str(port)}}
            try:
                monitor.execute(
                    "nbd-server-start", addr=address, tls_creds="tls", tls_authz="host"
                )
            except QmpRefused as error:
                if _TAKEN not in error.reason:
                    raise
                continue
            return self._keep_port(key, record, port)
        raise QmpRefused("nbd-server-start", "no port is free in the range of the options")

    def _socket_path(self, key: str) -> Path:
        """By a name that every client can use."""
        path = self._store.directory(key) / _SOCKET
        if short_path.fits(str(path)):
            return path
        try:
            return short_path.make(path.parent) / _SOCKET
        except exceptions.HypervisorUnavailable as error:
            raise self._failed(key, error.message) from error

    def _end_process(self, key: str) -> bool:
        return self._daemon(key).end()

    def _leave(self, key: str) -> None:
        short_path.remove(self._store.directory(key))


def _reason(error: Exception) -> str:
    if isinstance(error, QmpRefused):
        return error.reason
    if isinstance(error, processutils.ProcessExecutionError):
        return f"{PROGRAM} did not start (exit status {error.exit_code})"
    if isinstance(error, OSError):
        return error.strerror or "it can't be started"
    return str(error)
