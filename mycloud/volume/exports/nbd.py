"""NBD: one ``qemu-storage-daemon`` for each export.

A host on this very machine that asks for it (``"nbd_unix": true`` in its connector, and it sees
the volume's file itself, see ``mycloud.disk.machine``) is given a unix socket, which only this
user can reach. All others come over TCP with mutual TLS: the daemon takes one connection's word
only if its certificate is signed by the cloud's authority and bears exactly the distinguished
name in the connector's ``certificate_subject``. Without certificates there is no TCP export.

A name is random and serves one attachment, one host and one source; ask for another of these
under the same key and the old export ends, and with it the access of whoever had it. Whoever may
speak to a server may also ask it for its names, so each has a server of its own.

Options: ``port_range`` ("FIRST-LAST"; below the ports that the kernel gives to outgoing
connections, or these could take that of an export which is about to come back),
``listen_address``.

QEMU 7.2's NBD tells a host nothing of a volume that grows, and a daemon serves the size that
it has seen at its start.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oslo_concurrency import processutils
from oslo_log import log

from mycloud.common import clock, connection_info, exceptions
from mycloud.disk import machine, short_path
from mycloud.disk.qmp import Monitor, QmpLost, QmpRefused
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports import copying
from mycloud.volume.exports.base import Exporter, ExportSettings
from mycloud.volume.exports.storage_daemon import DISK, PROGRAM, StorageDaemon, add_disk
from mycloud.volume.exports.store import Store

LOG = log.getLogger(__name__)

PORT_RANGE = "10809-12808"
_EXPORT = "export"
_SOCKET = "nbd.sock"
_NAME_BYTES = 24
#: a daemon that has not answered for so long hangs, and is started anew
_HANGS_SECONDS = 15
_TAKEN = "Address already in use"


@dataclasses.dataclass(frozen=True)
class _Record:
    """What an export is, from its first moment to its end.

    :ivar subject: whose certificate opens it; None: it is a unix socket
    :ivar port: None before one is bound
    """

    name: str
    path: str
    format: str
    host: str | None
    subject: str | None
    read_only: bool
    shared: bool
    port: int | None = None

    @property
    def source(self) -> Source:
        return Source(Path(self.path), self.format)

    def serves_as(self, other: _Record) -> bool:
        """Whether both are the same but for what may change while it serves."""
        return self == dataclasses.replace(
            other, name=self.name, port=self.port, shared=self.shared
        )


class NbdExporter(Exporter):
    PROTOCOL = connection_info.NBD

    def __init__(self, settings: ExportSettings) -> None:
        super().__init__(settings)
        self._store = Store(settings.state_dir)
        first, _, last = str(settings.options.get("port_range", PORT_RANGE)).partition("-")
        self._ports = range(int(first), int(last or first) + 1)

    # -- questions ----------------------------------------------------------

    def alive(self, key: str) -> bool:
        return self._store.read(key) is not None and self._serves(key)

    def keys(self) -> list[str]:
        return self._store.keys()

    # -- verbs --------------------------------------------------------------

    def ensure(
        self, key: str, source: Source, connector: Mapping[str, Any], *, read_only: bool,
        shared: bool,
    ) -> dict[str, Any]:
        if shared and source.format != "raw":
            raise self._failed(key, f"a {source.format} image can't be shared; use a raw one")
        wanted = _Record(
            name=clock.secret(_NAME_BYTES),
            path=str(source.path.absolute()),
            format=source.format,
            host=connector.get("host"),
            subject=self._subject(key, source, connector),
            read_only=read_only,
            shared=shared,
        )
        with self._store.lock(key):
            found = self._read(key)
            if found is not None and found.serves_as(wanted):
                wanted = dataclasses.replace(found, shared=shared)
            else:
                self._forget(key)
                found = None
            self._claim(key, wanted)
            try:
                if not self._serves(key):
                    wanted = self._start(key, wanted, other_port=True)
                return self._data(key, wanted)
            except exceptions.ExportFailed:
                if found is None:
                    self._forget(key)
                raise

    def remove(self, key: str) -> None:
        if self._store.directory(key).exists():
            with self._store.lock(key):
                self._forget(key)

    def revive(self) -> list[str]:
        revived = []
        for key in self.keys():
            with self._store.lock(key):
                record = self._read(key)
                if record is None or self._serves(key, seconds=_HANGS_SECONDS):
                    continue
                try:
                    self._start(key, record, other_port=False)
                except exceptions.ExportFailed as error:
                    LOG.warning("Not revived: %s", error.message)
                    continue
                LOG.info("The export for attachment %s had died and is back", key)
                revived.append(key)
        return revived

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

    def _read(self, key: str) -> _Record | None:
        record = self._store.read(key)
        return None if record is None else _Record(**record)

    def _subject(self, key: str, source: Source, connector: Mapping[str, Any]) -> str | None:
        """Whose certificate shall open it; None for a unix socket."""
        if connector.get("nbd_unix") and machine.sees(connector.get("machine"), source.path):
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

    def _claim(self, key: str, record: _Record) -> None:
        """Keep the record, unless another export has the source for itself."""
        with self._store.lock_all():
            for other, theirs in self._store.records().items():
                if other != key and theirs["path"] == record.path and not (
                    record.shared and theirs["shared"]
                ):
                    raise self._failed(key, "it is exported to another attachment already")
            self._store.write(key, dataclasses.asdict(record))

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

    def _start(self, key: str, record: _Record, *, other_port: bool) -> _Record:
        """Start the daemon; returns the record with its port, which is kept.

        :param other_port: take another one if somebody has taken its own meanwhile
        """
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
        self, key: str, record: _Record, monitor: Monitor, *, other_port: bool
    ) -> _Record:
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
        for port in self._candidates(key, record, other_port=other_port):
            address = {
                "type": "inet",
                "data": {"host": self._listen_address(), "port": str(port)},
            }
            try:
                monitor.execute(
                    "nbd-server-start", addr=address, tls_creds="tls", tls_authz="host"
                )
            except QmpRefused as error:
                if _TAKEN not in error.reason:
                    raise
                continue
            record = dataclasses.replace(record, port=port)
            self._store.write(key, dataclasses.asdict(record))
            return record
        raise QmpRefused("nbd-server-start", "no port is free in the range of the options")

    def _candidates(self, key: str, record: _Record, *, other_port: bool) -> list[int]:
        """Ports to try, best first; those of exports that are down are kept for them."""
        mine = [record.port] if record.port is not None else []
        if mine and not other_port:
            return mine
        taken = {each["port"] for each in self._store.records().values()}
        return mine + [port for port in clock.shuffled(self._ports) if port not in taken]

    def _listen_address(self) -> str:
        return str(self.settings.options.get("listen_address") or self.settings.address)

    def _socket_path(self, key: str) -> Path:
        """By a name that every client can use."""
        path = self._store.directory(key) / _SOCKET
        if short_path.fits(str(path)):
            return path
        try:
            return short_path.make(path.parent) / _SOCKET
        except exceptions.HypervisorUnavailable as error:
            raise self._failed(key, error.message) from error

    def _data(self, key: str, record: _Record) -> dict[str, Any]:
        data: dict[str, Any] = {"export": record.name, "format": "raw"}
        if record.subject is None:
            return {**data, "socket": str(self._socket_path(key))}
        return {**data, "host": self.settings.address, "port": record.port, "tls": True}

    def _end(self, key: str) -> None:
        if not self._daemon(key).end():
            raise self._failed(key, "its process can't be ended; its storage hangs")

    def _forget(self, key: str) -> None:
        self._end(key)
        short_path.remove(self._store.directory(key))
        self._store.forget(key)

    def _failed(self, key: str, reason: str) -> exceptions.ExportFailed:
        return exceptions.ExportFailed(
            protocol=self.PROTOCOL, attachment_id=key, reason=reason
        )


def _reason(error: Exception) -> str:
    if isinstance(error, QmpRefused):
        return error.reason
    if isinstance(error, processutils.ProcessExecutionError):
        return f"{PROGRAM} did not start (exit status {error.exit_code})"
    if isinstance(error, OSError):
        return error.strerror or "it can't be started"
    return str(error)
