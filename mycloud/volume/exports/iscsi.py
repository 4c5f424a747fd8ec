"""iSCSI: one ``tgtd`` for each export.

A host logs in with its initiator's name, which is all that tgt's access list can bind (it lets in
whoever's name *or* address is listed), and with an account of this export alone (CHAP). What goes
over the network is not encrypted: keep it to a network of the cloud's own, or use NBD.

tgt serves raw bytes and takes no lock on them, so an image that a guest has open on this machine
is not protected from an export. It tells a host nothing of a volume that grows, and can't copy.

Options: ``port_range``, ``listen_address``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from oslo_concurrency import processutils

from mycloud.common import clock, connection_info
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports import target_daemon as tgt
from mycloud.volume.exports.served import Record, ServedExporter
from mycloud.volume.exports.target_daemon import TargetDaemon, TargetLost, TargetRefused

IQN_PREFIX = "iqn.2026-11.cloud.mycloud"
LUN = 1
_PASSWORD_BYTES = 24
_INITIATOR = re.compile(r"(iqn|eui|naa)\.[A-Za-z0-9.:_-]{1,220}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class IscsiRecord(Record):
    """:ivar initiator: the name of the host that may log in"""

    iqn: str
    user: str
    password: str
    initiator: str

    OWN: ClassVar[frozenset[str]] = Record.OWN | {"iqn", "user", "password"}


class IscsiExporter(ServedExporter[IscsiRecord]):
    PROTOCOL = connection_info.ISCSI
    RECORD = IscsiRecord
    PORT_RANGE = "13260-15259"

    def copy(self, key: str, target: Source) -> bool:
        return False

    # -- how ----------------------------------------------------------------

    def _daemon(self, key: str) -> TargetDaemon:
        return TargetDaemon(self._store.directory(key))

    def _wanted(
        self, key: str, source: Source, connector: Mapping[str, Any], access: Mapping[str, bool]
    ) -> IscsiRecord:
        if source.format != "raw":
            raise self._failed(key, f"tgt can't read a {source.format} image; use NBD")
        path = str(source.path.absolute())
        if not source.path.exists():
            raise self._failed(key, "its file is missing")
        if "," in path:
            raise self._failed(key, "tgt can't take a path with a comma")
        initiator = connector.get("initiator")
        if not isinstance(initiator, str) or not _INITIATOR.fullmatch(initiator):
            raise self._failed(key, "the server's host has told no name of an initiator")
        return IscsiRecord(
            path=path,
            format=source.format,
            host=connector.get("host"),
            iqn=f"{IQN_PREFIX}:{clock.new_hex_id()}",
            user=clock.new_hex_id(),
            password=clock.secret(_PASSWORD_BYTES),
            initiator=initiator,
            **access,
        )

    def _data(self, key: str, record: IscsiRecord) -> dict[str, Any]:
        return {
            "target_portal": _portal(self.settings.address, record.port),
            "target_iqn": record.iqn,
            "target_lun": LUN,
            "auth_method": "CHAP",
            "auth_username": record.user,
            "auth_password": record.password,
        }

    def _serves(self, key: str, seconds: float = 5) -> bool:
        record, daemon = self._read(key), self._daemon(key)
        if record is None or daemon.pid() is None:
            return False
        try:
            said = daemon.ask(tgt.TARGET, tgt.SHOW, seconds=seconds)
        except (TargetLost, TargetRefused):
            return False
        # its access list is the last thing that a target is given
        return record.iqn in said and record.initiator in said.partition("ACL information")[2]

    def _start(self, key: str, record: IscsiRecord, *, other_port: bool) -> IscsiRecord:
        daemon = self._daemon(key)
        self._end(key)
        try:
            record = self._listen(key, record, daemon, other_port=other_port)
            self._set_up(key, record, daemon)
        except (TargetLost, TargetRefused, OSError, processutils.ProcessExecutionError) as error:
            self._end(key)
            raise self._failed(key, _reason(error)) from error
        return record

    def _listen(
        self, key: str, record: IscsiRecord, daemon: TargetDaemon, *, other_port: bool
    ) -> IscsiRecord:
        host = str(self.settings.options.get("listen_address") or self.settings.address)
        for port in self._candidates(record, other_port=other_port):
            if daemon.start(_portal(host, port)):
                return self._keep_port(key, record, port)
            self._end(key)
        raise TargetRefused("no port is free in the range of the options")

    def _set_up(self, key: str, record: IscsiRecord, daemon: TargetDaemon) -> None:
        daemon.ask(tgt.TARGET, tgt.NEW, f"targetname={record.iqn}")
        flags = ",readonly=1" if record.read_only else ""
        daemon.ask(tgt.UNIT, tgt.NEW, f"path={record.path},bstype=rdwr", unit=LUN)
        # a host that sees two units of one name takes them for two ways to the same bytes
        name = record.iqn.rpartition(":")[2]
        daemon.ask(
            tgt.UNIT, tgt.UPDATE,
            f"scsi_id={name},scsi_sn={name},thin_provisioning=1{flags}", unit=LUN,
        )
        daemon.ask(tgt.ACCOUNT, tgt.NEW, f"user={record.user},password={record.password}")
        daemon.ask(tgt.ACCOUNT, tgt.BIND, f"user={record.user}")
        # nobody gets in before this
        daemon.ask(tgt.TARGET, tgt.BIND, f"initiator-name={record.initiator}")

    def _end_process(self, key: str) -> bool:
        return self._daemon(key).end()


def _portal(host: str, port: int | None) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reason(error: Exception) -> str:
    if isinstance(error, processutils.ProcessExecutionError):
        return f"{tgt.PROGRAM} did not start (exit status {error.exit_code})"
    if isinstance(error, OSError):
        return error.strerror or "it can't be started"
    return str(error)
