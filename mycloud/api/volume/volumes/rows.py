"""Routes and handlers of volumes."""

from typing import Any

from oslo_utils import strutils

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.api.volume.volumes import schemas, views
from mycloud.volume.requests import create as create_request
from mycloud.volume.requests import listing
from mycloud.volume.requests import volumes as requests


def show(request: wsgi.Request) -> Any:
    volume, held = listing.show(request.context, request.args["volume_id"])
    return {"volume": views.View(request).detail(volume, held)}


def create(request: wsgi.Request) -> Any:
    spec = _spec(request.json_body)
    volume, operation_id = create_request.create(
        request.context, spec, key=request.idempotency_key
    )
    request.note_operation(operation_id)
    shown, held = listing.show(request.context, volume["id"])
    return {"volume": views.View(request).detail(shown, held)}


def _spec(body: dict[str, Any]) -> create_request.VolumeSpec:
    wanted = body["volume"]
    size = wanted.get("size")
    return create_request.VolumeSpec(
        size_gb=None if size is None else int(size),
        name=wanted.get("name", wanted.get("display_name")),
        description=wanted.get("description", wanted.get("display_description")),
        volume_type=wanted.get("volume_type"),
        availability_zone=wanted.get("availability_zone"),
        metadata=wanted.get("metadata") or {},
        snapshot_id=wanted.get("snapshot_id"),
        source_volid=wanted.get("source_volid"),
        image_ref=wanted.get("imageRef"),
        backup_id=wanted.get("backup_id"),
        multiattach=strutils.bool_from_string(wanted.get("multiattach")),
        hints=body.get("OS-SCH-HNT:scheduler_hints"),
    )


def delete(request: wsgi.Request) -> None:
    volume = requests.get(request.context, request.args["volume_id"])
    request.note_operation(
        requests.delete(request.context, volume, key=request.idempotency_key)
    )


ROWS = [
    Route(
        "POST", "/volumes", create, "volume:volumes:create", body=schemas.CREATE,
        query=ANY_QUERY, status=202,
    ),
    Route("GET", "/volumes/{volume_id}", show, "volume:volumes:show", query=ANY_QUERY),
    Route(
        "DELETE", "/volumes/{volume_id}", delete, "volume:volumes:delete", query=ANY_QUERY,
        status=202,
    ),
]
