"""Exports without a process: what a host reaches by itself, and a record that it may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mycloud.common import exceptions
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports.base import Exporter, ExportSettings
from mycloud.volume.exports.store import Store


class RecordedExporter(Exporter):
    """All of an exporter but ``ensure``, which ends with ``_keep``."""

    def __init__(self, settings: ExportSettings) -> None:
        super().__init__(settings)
        self._store = Store(settings.state_dir)

    def remove(self, key: str) -> None:
        if self._store.directory(key).exists():
            with self._store.lock(key):
                self._store.forget(key)

    def alive(self, key: str) -> bool:
        return self._store.read(key) is not None

    def keys(self) -> list[str]:
        return self._store.keys()

    def revive(self) -> list[str]:
        return []

    def copy(self, key: str, target: Source) -> bool:
        # only the guest's QEMU knows what it writes
        return False

    def resize(self, key: str) -> bool:
        # the host looks at the source itself
        return True

    def _keep(
        self, key: str, data: dict[str, Any], connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        record = {**data, "connector_host": connector.get("host")}
        with self._store.lock(key):
            if self._store.read(key) != record:
                self._store.write(key, record)
        return data

    def _failed(self, key: str, reason: str) -> exceptions.ExportFailed:
        return exceptions.ExportFailed(
            protocol=self.PROTOCOL, attachment_id=key, reason=reason
        )
