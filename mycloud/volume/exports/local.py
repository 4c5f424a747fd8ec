"""The file or device itself, for a host that sees it: no process, only a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mycloud.common import connection_info
from mycloud.disk import machine
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports.recorded import RecordedExporter


def reaches(source: Source, connector: Mapping[str, Any]) -> bool:
    """Whether the host with that connector sees the source at its path, so that it can be given
    by this protocol."""
    return machine.sees(connector.get("machine"), source.path.absolute())


class LocalExporter(RecordedExporter):
    PROTOCOL = connection_info.LOCAL

    def ensure(
        self, key: str, source: Source, connector: Mapping[str, Any], *, read_only: bool,
        shared: bool,
    ) -> dict[str, Any]:
        if not reaches(source, connector):
            raise self._failed(key, "the server's host does not see the files of this one")
        data = {"device_path": str(source.path.absolute()), "format": source.format}
        return self._keep(key, data, connector)
