"""Volumes as the API shows them, by microversion."""

from collections.abc import Mapping, Sequence
from typing import Any

from mycloud.api import wsgi
from mycloud.api.compute import links
from mycloud.api.versions import Version
from mycloud.common import policy
from mycloud.common.states import Attach

Row = Mapping[str, Any]

_GROUP = Version(3, 13)
_PROVIDER = Version(3, 21)
_SHARED = Version(3, 48)
_CLUSTER = Version(3, 61)
_TYPE_ID = Version(3, 63)
_KEY = Version(3, 64)
_QUOTA = Version(3, 65)
_SHARED_OR_UNKNOWN = Version(3, 69)


class View:
    """The views of one request."""

    def __init__(self, request: wsgi.Request):
        self._request = request
        self._admin = policy.allowed(request.context, "volume:volumes:show_host")

    def brief(self, volume: Row) -> dict[str, Any]:
        """As the short list has it."""
        return {
            "id": volume["id"],
            "name": volume["name"],
            "links": links.of(self._request, "volumes", volume["id"]),
        }

    def detail(self, volume: Row, attachments: Sequence[Row]) -> dict[str, Any]:
        """All that this caller may see, in this microversion. ``volume`` has its type's name as
        ``type_name``."""
        found = self.changed(volume, attachments)
        found["os-vol-tenant-attr:tenant_id"] = volume["project_id"]
        if volume["image_metadata"]:
            found["volume_image_metadata"] = volume["image_metadata"]
        if self._admin:
            found |= {
                "os-vol-host-attr:host": volume["host"],
                "os-vol-mig-status-attr:migstat": volume["migration_status"],
                "os-vol-mig-status-attr:name_id": volume["name_id"],
            }
        return found

    def changed(self, volume: Row, attachments: Sequence[Row]) -> dict[str, Any]:
        """As the answers to POST and PUT have it: ``detail`` without what others add to it."""
        found = {
            **self.brief(volume),
            "description": volume["description"],
            "size": volume["size_gb"],
            "status": volume["status"],
            "availability_zone": volume["availability_zone"],
            "created_at": time(volume["created_at"]),
            "updated_at": time(volume["updated_at"]),
            "attachments": [
                self._attachment(row) for row in attachments if row["status"] == Attach.ATTACHED
            ],
            "volume_type": volume["type_name"],
            "snapshot_id": volume["snapshot_id"],
            "source_volid": volume["source_volid"],
            "metadata": volume["metadata"],
            "user_id": volume["user_id"],
            "bootable": "true" if volume["bootable"] else "false",
            "encrypted": volume["encrypted"],
            "replication_status": None,
            "consistencygroup_id": None,
            "multiattach": volume["multiattach"],
            "migration_status": volume["migration_status"],
        }
        return found | self._newer(volume)

    def _newer(self, volume: Row) -> dict[str, Any]:
        """What later microversions show."""
        version, found = self._request.version, {}
        if version >= _GROUP:
            found["group_id"] = None
        if version >= _PROVIDER and self._admin:
            found["provider_id"] = None
        if version >= _SHARED:
            found |= {"service_uuid": None, "shared_targets": False}
        if version >= _SHARED_OR_UNKNOWN:
            # nobody needs to lock a host to attach it
            found["shared_targets"] = None
        if version >= _CLUSTER and self._admin:
            found["cluster_name"] = None
        if version >= _TYPE_ID:
            found["volume_type_id"] = volume["volume_type_id"]
        if version >= _KEY and volume["encrypted"]:
            found["encryption_key_id"] = volume["encryption_key_id"]
        if version >= _QUOTA:
            found["consumes_quota"] = True
        return found

    def _attachment(self, row: Row) -> dict[str, Any]:
        return {
            "id": row["volume_id"],
            "attachment_id": row["id"],
            "volume_id": row["volume_id"],
            "server_id": row["server_id"],
            "host_name": row["host"] if self._admin else None,
            "device": row["mountpoint"],
            "attached_at": time(row["attached_at"]),
        }


def time(value: Any) -> str | None:
    """A time as block storage writes it: with microseconds, without a zone."""
    return None if value is None else value.isoformat(timespec="microseconds")
