"""Volumes as the compute API shows them, up to 2.35; block storage is the place for more."""

from collections.abc import Sequence
from typing import Any

from oslo_config import cfg

from mycloud.api import paging, wsgi
from mycloud.api.compute.servers import views
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.common.states import Attach
from mycloud.db.filtered import Row, Wanted
from mycloud.volume.requests import create as create_request
from mycloud.volume.requests import listing
from mycloud.volume.requests import volumes as requests

#: The last microversion that has them.
UNTIL = ("", "2.35")
TEXT: dict[str, Any] = {"type": ["string", "null"], "maxLength": 255}
LIST_QUERY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "limit": paging.LIMIT, "offset": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    },
    "additionalProperties": True,
}
_CREATE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "volume": {
            "type": "object",
            "properties": {
                "volume_type": {"type": "string", "maxLength": 255},
                "metadata": {
                    "type": "object",
                    "additionalProperties": {"type": "string", "maxLength": 255},
                    "propertyNames": {"minLength": 1, "maxLength": 255},
                },
                "snapshot_id": {"type": "string", "maxLength": 255},
                "size": {
                    "type": ["integer", "string"],
                    "pattern": "^0*[1-9][0-9]{0,8}$",
                    "maxLength": 20,
                    "minimum": 1,
                    "maximum": create_request.MAX_SIZE,
                },
                "availability_zone": {"type": "string", "maxLength": 255},
                "display_name": TEXT,
                "display_description": TEXT,
            },
            "required": ["size"],
            "additionalProperties": False,
        },
        "OS-SCH-HNT:scheduler_hints": {"type": "object"},
    },
    "required": ["volume"],
    "additionalProperties": False,
}


def wanted(request: wsgi.Request) -> Wanted:
    """The page that a list asks for: the caller's own, the newest first."""
    return Wanted(
        project_id=request.context.project_id or "",
        offset=int(request.query.get("offset", 0)),
        limit=paging.limit_of(request),
    )


def _view(row: Row, held: Sequence[Row]) -> dict[str, Any]:
    attachments = [_attachment(each) for each in held if each["status"] == Attach.ATTACHED]
    return {
        "id": row["id"],
        "status": row["status"],
        "size": row["size_gb"],
        "availabilityZone": row["availability_zone"] or cfg.CONF.default_availability_zone,
        "createdAt": views.time_of(row["created_at"]),
        # clients expect one even where there is none
        "attachments": attachments or [{}],
        "displayName": row["name"],
        "displayDescription": row["description"],
        "volumeType": row["type_name"],
        "snapshotId": row["snapshot_id"],
        "metadata": row["metadata"],
    }


def _attachment(row: Row) -> dict[str, Any]:
    found = {"id": row["volume_id"], "volumeId": row["volume_id"]}
    if row["server_id"]:
        found["serverId"] = row["server_id"]
    if row["mountpoint"]:
        found["device"] = row["mountpoint"]
    return found


def _shown(request: wsgi.Request, volume_id: str) -> dict[str, Any]:
    return {"volume": _view(*listing.show(request.context, volume_id))}


def index(request: wsgi.Request) -> Any:
    page = listing.volumes(wanted(request), attached=True, counted=False)
    return {"volumes": [_view(row, page.held.get(row["id"], ())) for row in page.rows]}


def show(request: wsgi.Request) -> Any:
    return _shown(request, request.args["volume_id"])


def create(request: wsgi.Request) -> Any:
    body = request.json_body
    asked = body["volume"]
    spec = create_request.VolumeSpec(
        size_gb=int(asked["size"]),
        name=asked.get("display_name"),
        description=asked.get("display_description"),
        volume_type=asked.get("volume_type"),
        availability_zone=asked.get("availability_zone"),
        metadata=asked.get("metadata") or {},
        snapshot_id=asked.get("snapshot_id"),
        hints=body.get("OS-SCH-HNT:scheduler_hints"),
    )
    volume, operation_id = create_request.create(
        request.context, spec, key=request.idempotency_key
    )
    request.note_operation(operation_id)
    request.out_headers["Location"] = f"{request.service_url}/os-volumes/{volume['id']}"
    return _shown(request, volume["id"])


def delete(request: wsgi.Request) -> None:
    volume = requests.get(request.context, request.args["volume_id"])
    request.note_operation(
        requests.delete(request.context, volume, key=request.idempotency_key)
    )


ROWS = [
    Route(
        "GET", "/os-volumes", index, "volume:volumes:show", query=LIST_QUERY, versions=UNTIL
    ),
    Route(
        "POST", "/os-volumes", create, "volume:volumes:create", body=_CREATE, query=ANY_QUERY,
        versions=UNTIL,
    ),
    Route(
        "GET", "/os-volumes/detail", index, "volume:volumes:show", query=LIST_QUERY,
        versions=UNTIL,
    ),
    Route(
        "GET", "/os-volumes/{volume_id}", show, "volume:volumes:show", query=ANY_QUERY,
        versions=UNTIL,
    ),
    Route(
        "DELETE", "/os-volumes/{volume_id}", delete, "volume:volumes:delete", query=ANY_QUERY,
        status=202, versions=UNTIL,
    ),
]
