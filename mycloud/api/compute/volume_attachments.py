"""os-volume_attachments: the volumes of a server."""

from typing import Any

from mycloud.api import paging, wsgi
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.api.versions import Version
from mycloud.compute.requests import listing
from mycloud.compute.requests import volumes as requests

#: From here on clients know of volumes that several servers have.
_MULTIATTACH = Version(2, 60)
_ID = {"type": "string", "format": "uuid", "maxLength": 36}
_DEVICE = {"type": ["string", "null"], "maxLength": 255}
_V21 = {"volumeId": _ID, "device": _DEVICE}
_V249 = {
    **_V21,
    "tag": {"type": "string", "minLength": 1, "maxLength": 60, "pattern": "^[^,/]*$"},
}
_QUERY = {
    "type": "object",
    "properties": {
        "limit": paging.LIMIT, "offset": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    },
    "additionalProperties": True,
}


def _body(properties: dict[str, Any]) -> dict[str, Any]:
    attachment = {
        "type": "object",
        "properties": properties,
        "required": ["volumeId"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"volumeAttachment": attachment},
        "required": ["volumeAttachment"],
        "additionalProperties": False,
    }


_ATTACH = [("2.1", _body(_V21)), ("2.49", _body(_V249))]
_SWAP = _body({"volumeId": _ID})


def view(device: Any) -> dict[str, Any]:
    """A device as microversions up to 2.69 show it."""
    found = {
        "id": device["volume_id"],
        "serverId": device["server_id"],
        "volumeId": device["volume_id"],
    }
    if device["device_name"]:
        found["device"] = device["device_name"]
    return found


def index(request: wsgi.Request) -> Any:
    server = listing.get(request.context, request.args["server_id"])
    first = int(request.query.get("offset", 0))
    rows = requests.of_server(server)[first:][: paging.limit_of(request)]
    return {"volumeAttachments": [view(row) for row in rows]}


def show(request: wsgi.Request) -> Any:
    server = listing.get(request.context, request.args["server_id"])
    return {"volumeAttachment": view(requests.one(server, request.args["volume_id"]))}


def create(request: wsgi.Request) -> Any:
    wanted = request.json_body["volumeAttachment"]
    requests.check_device(wanted.get("device"))
    server = listing.get(request.context, request.args["server_id"])
    made = requests.attach(
        request.context,
        server,
        requests.AttachSpec(
            volume_id=wanted["volumeId"],
            device=wanted.get("device"),
            tag=wanted.get("tag"),
            multiattach=request.version >= _MULTIATTACH,
        ),
        key=request.idempotency_key,
    )
    request.note_operation(made.operation_id)
    return {"volumeAttachment": view(made.device)}


def swap(request: wsgi.Request) -> None:
    server = listing.get(request.context, request.args["server_id"])
    request.note_operation(
        requests.swap(
            request.context, server, request.args["volume_id"],
            request.json_body["volumeAttachment"]["volumeId"],
        )
    )


def delete(request: wsgi.Request) -> None:
    server = listing.get(request.context, request.args["server_id"])
    request.note_operation(
        requests.detach(
            request.context, server, request.args["volume_id"], key=request.idempotency_key
        )
    )


_LIST = "/servers/{server_id}/os-volume_attachments"
_ONE = f"{_LIST}/{{volume_id}}"

ROWS = [
    Route("GET", _LIST, index, "compute:volume_attachments:list", query=_QUERY),
    Route(
        "POST", _LIST, create, "compute:volume_attachments:create", body=_ATTACH,
        query=ANY_QUERY,
    ),
    Route("GET", _ONE, show, "compute:volume_attachments:show", query=ANY_QUERY),
    Route(
        "PUT", _ONE, swap, "compute:volume_attachments:swap", body=_SWAP, query=ANY_QUERY,
        status=202,
    ),
    Route(
        "DELETE", _ONE, delete, "compute:volume_attachments:delete", query=ANY_QUERY,
        status=202,
    ),
]
