"""Exports that are a process each: what all such protocols have in common.

A name is random and serves one attachment, one host and one source; ask for another of these
under the same key and the old export ends, and with it the access of whoever had it.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, cast

from oslo_log import log

from mycloud.common import clock, exceptions
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports.base import Exporter, ExportSettings
from mycloud.volume.exports.store import Store

LOG = log.getLogger(__name__)

#: a process that has not answered for so long hangs, and is started anew
_HANGS_SECONDS = 15


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """What an export is, from its first moment to its end.

    :ivar port: None before one is bound
    """

    path: str
    format: str
    host: str | None
    read_only: bool
    shared: bool
    port: int | None = None

    #: what an export keeps, or may change, while it serves
    OWN: ClassVar[frozenset[str]] = frozenset({"port", "shared"})

    @property
    def source(self) -> Source:
        return Source(Path(self.path), self.format)

    def serves_as(self, other: Record) -> bool:
        """Whether both serve the same to the same host."""
        mine, theirs = dataclasses.asdict(self), dataclasses.asdict(other)
        return all(mine[name] == theirs[name] for name in mine if name not in self.OWN)


R = TypeVar("R", bound=Record)


class ServedExporter(Exporter, Generic[R]):
    """All of an exporter but its process.

    Option: ``port_range``, "FIRST-LAST"; below the ports that the kernel gives to outgoing
    connections, or these could take that of an export which is about to come back.
    """

    RECORD: ClassVar[type[Record]]
    PORT_RANGE: ClassVar[str]

    def __init__(self, settings: ExportSettings) -> None:
        super().__init__(settings)
        self._store = Store(settings.state_dir)
        first, _, last = str(settings.options.get("port_range") or self.PORT_RANGE).partition("-")
        self._ports = range(int(first), int(last or first) + 1)

    # -- what a protocol gives ----------------------------------------------

    @abc.abstractmethod
    def _wanted(self, key: str, source: Source, connector: Mapping[str, Any],
                access: Mapping[str, bool]) -> R:
        """A new record, with new names and secrets.

        :param access: ``read_only`` and ``shared``
        :raises ExportFailed: this host can't be given this
        """

    @abc.abstractmethod
    def _data(self, key: str, record: R) -> dict[str, Any]:
        """Of its connection_info."""

    @abc.abstractmethod
    def _serves(self, key: str, seconds: float = 5) -> bool:
        """Whether the process is there and answers within that time."""

    @abc.abstractmethod
    def _start(self, key: str, record: R, *, other_port: bool) -> R:
        """Start the process anew; returns the record with its port, which is kept.

        :param other_port: take another one if somebody has taken its own meanwhile
        :raises ExportFailed: nothing runs then
        """

    @abc.abstractmethod
    def _end_process(self, key: str) -> bool:
        """End what runs, if it does; False if it can't be ended."""

    def _leave(self, key: str) -> None:
        """Remove what lies elsewhere than in the export's directory."""

    # -- the exporter -------------------------------------------------------

    def ensure(
        self, key: str, source: Source, connector: Mapping[str, Any], *, read_only: bool,
        shared: bool,
    ) -> dict[str, Any]:
        access = {"read_only": read_only, "shared": shared}
        wanted = self._wanted(key, source, connector, access)
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

    def alive(self, key: str) -> bool:
        return self._store.read(key) is not None and self._serves(key)

    def keys(self) -> list[str]:
        return self._store.keys()

    def halt(self) -> int:
        ended = 0
        for key in self.keys():
            with self._store.lock(key):
                ended += self._serves(key, seconds=1)
                self._end(key)
        return ended

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

    # -- for protocols ------------------------------------------------------

    def _read(self, key: str) -> R | None:
        record = self._store.read(key)
        if record is None:
            return None
        return cast(R, self.RECORD(**record))

    def _keep_port(self, key: str, record: R, port: int) -> R:
        record = dataclasses.replace(record, port=port)
        self._store.write(key, dataclasses.asdict(record))
        return record

    def _candidates(self, record: R, *, other_port: bool) -> Iterator[int]:
        """Ports to try, best first; those of exports that are down are kept for them."""
        if record.port is not None:
            yield record.port
            if not other_port:
                return
        taken = {each["port"] for each in self._store.records().values()}
        yield from (port for port in clock.shuffled(self._ports) if port not in taken)

    def _claim(self, key: str, record: R) -> None:
        """Keep the record, unless another export has the source for itself."""
        with self._store.lock_all():
            for other, theirs in self._store.records().items():
                if other != key and theirs["path"] == record.path and not (
                    record.shared and theirs["shared"]
                ):
                    raise self._failed(key, "it is exported to another attachment already")
            self._store.write(key, dataclasses.asdict(record))

    def _end(self, key: str) -> None:
        if not self._end_process(key):
            raise self._failed(key, "its process can't be ended; its storage hangs")

    def _forget(self, key: str) -> None:
        self._end(key)
        self._leave(key)
        self._store.forget(key)

    def _failed(self, key: str, reason: str) -> exceptions.ExportFailed:
        return exceptions.ExportFailed(
            protocol=self.PROTOCOL, attachment_id=key, reason=reason
        )
