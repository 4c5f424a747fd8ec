"""Only the record of an export: for the fake hypervisor, which reaches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mycloud.common import connection_info
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports.recorded import RecordedExporter


class FakeExporter(RecordedExporter):
    PROTOCOL = connection_info.FAKE

    def ensure(
        self, key: str, source: Source, connector: Mapping[str, Any], *, read_only: bool,
        shared: bool,
    ) -> dict[str, Any]:
        return self._keep(key, {"volume": source.path.name}, connector)
