"""POST /volumes/{id}/action: the actions that are about what a volume holds."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.versions import Version
from mycloud.api.volume import fields, types
from mycloud.api.volume.volumes import schemas
from mycloud.api.volume.volumes.actions import action
from mycloud.api.volume.volumes.views import time
from mycloud.common import exceptions
from mycloud.common.states import Visibility, Vol
from mycloud.volume.requests import images, listing, manage, snapshots, volumes

_VISIBILITY = Version(3, 1)


def upload(request: wsgi.Request) -> Any:
    wanted = request.json_body["os-volume_upload_image"]
    volume = volumes.get(request.context, request.args["volume_id"])
    newer = request.version >= _VISIBILITY
    spec = images.UploadSpec(
        name=wanted["image_name"],
        disk_format=wanted.get("disk_format") or "raw",
        visibility=(newer and wanted.get("visibility")) or Visibility.PRIVATE,
        protected=newer and _flag(wanted.get("protected")),
        force=_flag(wanted.get("force")),
    )
    image_id, operation_id = images.upload(
        request.context, volume, spec, key=request.idempotency_key
    )
    request.note_operation(operation_id)
    shown, _ = listing.show(request.context, volume["id"])
    found = {
        "id": shown["id"],
        "updated_at": time(shown["updated_at"]),
        "status": shown["status"],
        "display_description": shown["description"],
        "size": shown["size_gb"],
        "volume_type": _type(request, shown),
        "image_id": image_id,
        "container_format": "bare",
        "disk_format": spec.disk_format,
        "image_name": spec.name,
    }
    if newer:
        found |= {"visibility": spec.visibility, "protected": spec.protected}
    return {"os-volume_upload_image": found}


def _flag(value: Any) -> bool:
    return value is not None and fields.truth(value)


def _type(request: wsgi.Request, volume: Any) -> dict[str, Any] | None:
    row = listing.type_of(volume)
    return None if row is None else types.view(request, row)


def reimage(request: wsgi.Request) -> None:
    wanted = request.json_body["os-reimage"]
    volume = volumes.get(request.context, request.args["volume_id"])
    request.note_operation(
        images.reimage(
            request.context, volume, wanted["image_id"],
            reserved=_flag(wanted.get("reimage_reserved")), key=request.idempotency_key,
        )
    )


def revert(request: wsgi.Request) -> None:
    volume = volumes.get(request.context, request.args["volume_id"])
    request.note_operation(
        snapshots.revert(
            request.context, volume, request.json_body["revert"]["snapshot_id"],
            key=request.idempotency_key,
        )
    )


def unmanage(request: wsgi.Request) -> None:
    volume = volumes.get(request.context, request.args["volume_id"])
    request.note_operation(
        manage.unmanage(request.context, volume, key=request.idempotency_key)
    )


def complete_extend(request: wsgi.Request) -> None:
    """No backend of ours waits for a server before a volume has grown."""
    volume = volumes.get(request.context, request.args["volume_id"])
    raise exceptions.InvalidVolume(
        reason=f"volume {volume['id']} is {volume['status']} and does not wait to be told that "
        f"it has grown; one that does is {Vol.EXTENDING}, on a storage that only a server can let "
        "grow."
    )


ROWS = [
    action("os-volume_upload_image", upload, "upload", schemas.UPLOAD),
    action("os-reimage", reimage, "reimage", schemas.REIMAGE, versions=("3.68", "")),
    action("revert", revert, "revert", schemas.REVERT, versions=("3.40", "")),
    action("os-unmanage", unmanage, "unmanage", schemas.NOTHING),
    action(
        "os-extend_volume_completion", complete_extend, "complete_extend", schemas.COMPLETION,
        versions=("3.71", ""),
    ),
]
