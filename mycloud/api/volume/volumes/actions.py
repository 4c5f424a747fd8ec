"""POST /volumes/{id}/action: one row an action."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Handler, Route
from mycloud.api.versions import Version
from mycloud.api.volume import fields
from mycloud.api.volume.volumes import schemas
from mycloud.common import exceptions
from mycloud.common.states import Vol
from mycloud.volume.requests import flags, metadata, reset, submit, volumes

_ONLINE = Version(3, 42)


def extend(request: wsgi.Request) -> None:
    volume = volumes.get(request.context, request.args["volume_id"])
    size = int(request.json_body["os-extend"]["new_size"])
    if volume["status"] == Vol.IN_USE and request.version < _ONLINE:
        raise exceptions.InvalidVolume(
            reason=f"Volume {volume['id']} status must be {Vol.AVAILABLE} to extend, but it is "
            f"{volume['status']}. From microversion {_ONLINE} on it may be in use."
        )
    request.note_operation(
        volumes.extend(request.context, volume, size, key=request.idempotency_key)
    )


def set_bootable(request: wsgi.Request) -> None:
    bootable = fields.truth(request.json_body["os-set_bootable"]["bootable"])
    flags.set_bootable(request.context, request.args["volume_id"], bootable=bootable)


def set_read_only(request: wsgi.Request) -> None:
    read_only = fields.truth(request.json_body["os-update_readonly_flag"]["readonly"])
    flags.set_read_only(request.context, request.args["volume_id"], read_only=read_only)


def reset_status(request: wsgi.Request) -> None:
    wanted = request.json_body["os-reset_status"]
    volume_id = request.args["volume_id"]
    changes = {
        name: wanted[name]
        for name in ("status", "migration_status")
        if wanted.get(name) is not None
    }
    if not changes and wanted.get("attach_status") is None:
        raise exceptions.BadField(
            field="os-reset_status",
            reason="Must specify 'status', 'attach_status' or 'migration_status' for update.",
        )
    if changes.get("migration_status") == "none":
        changes["migration_status"] = None
    if wanted.get("attach_status") == reset.DETACHED:
        reset.detach(request.context, submit.VOLUME, volume_id, changes)
    else:
        reset.reset(request.context, submit.VOLUME, volume_id, changes)


def force_delete(request: wsgi.Request) -> None:
    volume = volumes.get(request.context, request.args["volume_id"])
    request.note_operation(
        volumes.delete(request.context, volume, force=True, key=request.idempotency_key)
    )


# -- what it knows of its image ----------------------------------------------------------------


def set_image_metadata(request: wsgi.Request) -> Any:
    items = request.json_body["os-set_image_metadata"]["metadata"]
    found = metadata.change_image_metadata(
        request.context, request.args["volume_id"], lambda before: {**before, **items}
    )
    return {"metadata": found}


def unset_image_metadata(request: wsgi.Request) -> None:
    key, volume_id = request.json_body["os-unset_image_metadata"]["key"], request.args["volume_id"]

    def without(before: dict[str, str]) -> dict[str, str]:
        if key not in before:
            raise exceptions.VolumeMetadataNotFound(type="volume", id=volume_id, key=key)
        return {name: value for name, value in before.items() if name != key}

    metadata.change_image_metadata(request.context, volume_id, without)


def show_image_metadata(request: wsgi.Request) -> Any:
    volume = volumes.get(request.context, request.args["volume_id"])
    return {"metadata": volume["image_metadata"] or {}}


# -- rows --------------------------------------------------------------------------------------


def action(
    name: str, handler: Handler, rule: str, inner: dict[str, Any], **more: Any
) -> Route:
    """The row of an action on a volume."""
    return Route(
        "POST",
        "/volumes/{volume_id}/action",
        handler,
        f"volume:volumes:{rule}",
        body=fields.wrapped(name, inner),
        query=ANY_QUERY,
        action=name,
        **{"status": 202, **more},
    )


ROWS = [
    action("os-extend", extend, "extend", schemas.EXTEND),
    action("os-set_bootable", set_bootable, "update", schemas.SET_BOOTABLE, status=200),
    action("os-update_readonly_flag", set_read_only, "update", schemas.SET_READ_ONLY),
    action("os-reset_status", reset_status, "reset_status", schemas.RESET),
    action("os-force_delete", force_delete, "force_delete", schemas.NOTHING),
    action(
        "os-set_image_metadata", set_image_metadata, "update", schemas.IMAGE_METADATA, status=200
    ),
    action(
        "os-unset_image_metadata", unset_image_metadata, "update", schemas.IMAGE_KEY, status=200
    ),
    action("os-show_image_metadata", show_image_metadata, "show", schemas.NOTHING, status=200),
]
