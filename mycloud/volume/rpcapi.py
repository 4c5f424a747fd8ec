"""Messages to a volume host, beside doorbells.

History: 1.0 initialize_connection, terminate_connection, list_exports
1.1 list_manageable, initialize_connection to a volume that is on its way, open_copy, close_copy
"""

from typing import Any

from mycloud.common import rpc

TOPIC = "volume"
VERSION = "1.1"
#: An export may have to start a daemon.
_EXPORT_SECONDS = 60


class VolumeAPI(rpc.Client):
    """What only the host can do where a volume lies. Changes are operations of the journal."""

    topic = TOPIC
    version = VERSION
    binary = "mycloud-volume"

    def initialize_connection(
        self, context: Any, host: str, attachment_id: str, connector: dict[str, Any], *,
        name: str | None = None,
    ) -> dict[str, Any]:
        """Export the volume of an attachment to the host that the connector describes; may be
        called again. Returns connection_info, secrets included (see common/connection_info.py).
        ``name``: how this backend calls the volume, while it is on its way here.

        :raises ServiceUnavailable: when the volume host does not answer
        :raises ExportFailed: :raises VolumeNotOnBackend: :raises BackendNotReady:
        """
        more, version = ({}, "1.0") if name is None else ({"name": name}, "1.1")
        info: dict[str, Any] = self.call(
            context, "initialize_connection", host=host, version=version,
            attachment_id=attachment_id, connector=connector, timeout=_EXPORT_SECONDS, **more,
        )
        return info

    def open_copy(
        self, context: Any, host: str, operation_id: str, *, name: str, connector: dict[str, Any]
    ) -> dict[str, Any]:
        """Let another volume service read a volume that nobody writes to, called ``name`` there,
        for an operation; may be called again. Returns connection_info, secrets included.

        :raises ServiceUnavailable: when the volume host does not answer
        :raises ExportFailed: :raises VolumeNotOnBackend: :raises BackendNotReady:
        """
        info: dict[str, Any] = self.call(
            context, "open_copy", host=host, version="1.1", operation_id=operation_id,
            name=name, connector=connector, timeout=_EXPORT_SECONDS,
        )
        return info

    def close_copy(self, context: Any, host: str, operation_id: str) -> None:
        """End what ``open_copy`` began; what is not there is no error."""
        self.call(
            context, "close_copy", host=host, version="1.1", operation_id=operation_id,
            timeout=_EXPORT_SECONDS,
        )

    def terminate_connection(self, context: Any, host: str, attachment_id: str) -> None:
        """End the export of an attachment; one that is not there is no error."""
        self.call(
            context, "terminate_connection", host=host, version="1.0",
            attachment_id=attachment_id, timeout=_EXPORT_SECONDS,
        )

    def list_exports(self, context: Any, host: str) -> dict[str, Any]:
        """What the host really has: ``volumes`` and ``snapshots`` (names on the backend), and
        ``exports`` (attachment id to whether it serves)."""
        found: dict[str, Any] = self.call(
            context, "list_exports", host=host, version="1.0", timeout=30
        )
        return found

    def list_manageable(self, context: Any, host: str) -> list[dict[str, Any]]:
        """What lies on the storage and is no volume of ours: ``reference``, ``size_gb``,
        ``reason`` (why it can't be managed; None if it can) and ``source_name`` of each.

        :raises ServiceUnavailable: :raises BackendNotReady:
        """
        found: list[dict[str, Any]] = self.call(
            context, "list_manageable", host=host, version="1.1", timeout=60
        )
        return found
