"""What connecting comes to: how QEMU on this host reaches a volume."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mycloud.common import exceptions


@dataclasses.dataclass(frozen=True)
class Chap:
    """What an iSCSI initiator says at the door."""

    username: str
    password: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class DiskSource:
    """Either a file or block device (``path``), or something on the network (``protocol``).

    :ivar format: of the bytes at the source: ``raw`` or ``qcow2``
    :ivar protocol: ``nbd`` or ``iscsi``; at ``host`` and ``port``, or at a unix ``socket``
    :ivar name: of the export, which is a secret; of iSCSI the target and its unit: ``IQN/LUN``
    :ivar tls: both ends show certificates
    :ivar initiator: the IQN that logs in
    """

    format: str = "raw"
    path: Path | None = None
    protocol: str | None = None
    name: str = dataclasses.field(default="", repr=False)
    host: str = ""
    port: int = 0
    socket: str | None = None
    tls: bool = False
    chap: Chap | None = None
    initiator: str | None = None

    @property
    def is_block_device(self) -> bool:
        """Whether ``path`` is a block device."""
        return self.path is not None and self.path.is_block_device()

    def secrets(self) -> list[str]:
        """What must not be seen where others look."""
        found = [] if self.protocol != "nbd" else [self.name]
        if self.chap is not None:
            found.append(self.chap.password)
        return [each for each in found if each]


@dataclasses.dataclass(frozen=True)
class ThisHost:
    """What connecting needs to know of the host itself.

    :ivar tls: whether it has a certificate to show
    """

    initiator: str
    tls: bool


def field(connection: Mapping[str, Any], name: str) -> Any:
    """A value of the connection's data that must be there.  :raises ConnectionFailed:"""
    value = connection.get("data", {}).get(name)
    if value in (None, ""):
        raise failed(connection, f"the connection_info has no {name!r}")
    return value


def failed(connection: Mapping[str, Any], reason: str) -> exceptions.ConnectionFailed:
    """The error of a volume that can't be reached from here."""
    return exceptions.ConnectionFailed(
        volume_id=connection.get("volume_id", "(unknown)"), reason=reason
    )
