"""Which filters the lists take."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import Route
from mycloud.api.volume import attachments, backups, messages, snapshots
from mycloud.api.volume.volumes import schemas

#: A resource -> the filters of its list.
_FILTERS = {
    "attachment": attachments.FILTERS.names(),
    "backup": [*backups.FILTERS, *(f"{name}~" for name in backups.FILTERS)],
    "message": messages.FILTERS,
    "pool": ("name",),
    "snapshot": snapshots.FILTERS.names(),
    "volume": schemas.FILTERS.names(),
    "volume_type": ("is_public", "name", "extra_specs"),
}
_QUERY = {
    "type": "object",
    "properties": {"resource": {"type": "string", "maxLength": 255}},
    "additionalProperties": True,
}


def index(request: wsgi.Request) -> dict[str, Any]:
    wanted = request.query.get("resource")
    return {
        "resource_filters": [
            {"resource": resource, "filters": list(filters)}
            for resource, filters in _FILTERS.items()
            if wanted in (None, resource)
        ]
    }


ROWS = [
    Route(
        "GET",
        "/resource_filters",
        index,
        "volume:resource_filters:list",
        query=_QUERY,
        versions=("3.33", ""),
    ),
]
