"""What a protocol promises that gives volumes to hosts.

An export is known by its *key*, the attachment's id: it is bound to that one attachment and to the
host that asked for it. It lives in a process of its own, which outlives the volume service and is
found again by what lies under the state directory; nothing is kept in memory.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from mycloud.volume.drivers.base import Source


@dataclasses.dataclass(frozen=True)
class ExportSettings:
    """:ivar state_dir: belongs to this protocol of this backend on this host alone; nobody else
        may look inside
    :ivar address: where hosts reach this one
    :ivar pki_dir: the host's certificate, its key and the authority's certificate; None: there is
        no network export
    """

    state_dir: Path
    address: str = "127.0.0.1"
    pki_dir: Path | None = None
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Exporter(abc.ABC):
    """One protocol. Verbs may be called again: what is already so is success."""

    PROTOCOL: ClassVar[str]

    def __init__(self, settings: ExportSettings) -> None:
        self.settings = settings

    @abc.abstractmethod
    def ensure(
        self, key: str, source: Source, connector: Mapping[str, Any], *, read_only: bool,
        shared: bool,
    ) -> dict[str, Any]:
        """Export a source to one host; the ``data`` of its connection_info.

        One whose process has died comes back with the same name and address, so that who was
        connected can connect again. ``shared``: other exports may write to the same source.

        :raises ExportFailed:
        """

    @abc.abstractmethod
    def remove(self, key: str) -> None:
        """End the export, and forget its name and secrets; one that is not there is no error."""

    @abc.abstractmethod
    def alive(self, key: str) -> bool:
        """Whether the export is there and serves."""

    @abc.abstractmethod
    def keys(self) -> list[str]:
        """Every export that was ensured and not removed, alive or not."""

    @abc.abstractmethod
    def revive(self) -> list[str]:
        """Start again those whose process has died; returns their keys."""

    def halt(self) -> int:
        """End the processes of all exports, whose records stay: ``revive`` and ``ensure`` bring
        them back. Returns how many ran. To be called when nobody uses them any more."""
        return 0

    @abc.abstractmethod
    def copy(self, key: str, target: Source) -> bool:
        """Copy what the export holds at this moment to a target of the same size, while its host
        goes on writing. False if this protocol can't."""

    def resize(self, key: str) -> bool:
        """Let an export show that its source has grown. False if this protocol can't do that to
        whoever is connected: they see it once the export was removed and made anew.
        """
        return False
