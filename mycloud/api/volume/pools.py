"""Storage pools: what they have and can do."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.volume import fields
from mycloud.volume.requests import pools
from mycloud.volume.requests.pools import Row

_LIST_QUERY = {
    "type": "object",
    "properties": {"detail": fields.FLAG, "name": {"type": "string", "maxLength": 600}},
    "additionalProperties": True,
}
#: What an extra spec may ask for: title and description.
_PROPERTIES = {
    "thin_provisioning_support": (
        "Thin Provisioning", "Whether a volume takes only the space that is written to."
    ),
    "thick_provisioning_support": (
        "Thick Provisioning", "Whether a volume takes all of its space at once."
    ),
    "multiattach": (
        "Multiattach", "Whether a volume may be attached to several servers at once."
    ),
    "online_extend_support": (
        "Online Extend", "Whether a volume may grow while a server uses it."
    ),
    "QoS_support": ("Quality of Service", "Whether the backend keeps bounds of speed."),
}  # fmt: skip


def view(row: Row) -> dict[str, Any]:
    """A pool with all that it tells of itself; sizes in GiB."""
    changed = row["updated_at"] or row["created_at"]
    return {
        "name": pools.place_of(row),
        "capabilities": {
            **(row["capabilities"] or {}),
            "pool_name": row["pool"],
            "volume_backend_name": row["backend_name"],
            "total_capacity_gb": row["total_gb"],
            "free_capacity_gb": row["free_gb"],
            "provisioned_capacity_gb": row["provisioned_gb"],
            "allocated_capacity_gb": row["allocated_gb"],
            "timestamp": changed.isoformat(timespec="microseconds"),
            "backend_state": "up" if pools.is_up(row) else "down",
        },
    }


def index(request: wsgi.Request) -> dict[str, Any]:
    detail = fields.flag(request, "detail", default=False)
    found = pools.listed(request.query.get("name"))
    return {
        "pools": [view(row) if detail else {"name": pools.place_of(row)} for row in found]
    }


def capabilities(request: wsgi.Request) -> dict[str, Any]:
    row = pools.of_host(request.args["host"])
    known = row["capabilities"] or {}
    return {
        "namespace": f"OS::Storage::Capabilities::{row['host']}",
        "vendor_name": known.get("vendor_name", ""),
        "volume_backend_name": row["backend_name"],
        "pool_name": row["pool"],
        "driver_version": known.get("driver_version", ""),
        "storage_protocol": known.get("storage_protocol", ""),
        "display_name": None,
        "description": None,
        "visibility": None,
        "replication_targets": [],
        "properties": {
            name: {"title": title, "description": description, "type": "boolean"}
            for name, (title, description) in _PROPERTIES.items()
            if name in known
        },
    }


ROWS = [
    Route(
        "GET", "/scheduler-stats/get_pools", index, "volume:pools:list", query=_LIST_QUERY
    ),
    Route(
        "GET",
        "/capabilities/{host}",
        capabilities,
        "volume:pools:capabilities",
        query=NO_QUERY,
    ),
]
