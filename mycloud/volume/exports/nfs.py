"""A file on a share that the server's host mounts itself: no process, only a record.

Options: ``share`` ("SERVER:/PATH"), and ``mount_point``, where it is mounted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mycloud.common import connection_info
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports.base import ExportSettings
from mycloud.volume.exports.recorded import RecordedExporter


class NfsExporter(RecordedExporter):
    PROTOCOL = connection_info.NFS

    def __init__(self, settings: ExportSettings) -> None:
        super().__init__(settings)
        self._share = str(settings.options["share"])
        self._mount_point = Path(settings.options["mount_point"]).absolute()

    def ensure(
        self, key: str, source: Source, connector: Mapping[str, Any], *, read_only: bool,
        shared: bool,
    ) -> dict[str, Any]:
        try:
            name = str(source.path.absolute().relative_to(self._mount_point))
        except ValueError:
            raise self._failed(key, "it does not lie on the share") from None
        data = {"share": self._share, "name": name, "format": source.format}
        return self._keep(key, data, connector)
