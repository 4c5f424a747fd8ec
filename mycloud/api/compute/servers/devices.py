"""block_device_mapping, old and new: schemas, and from the body to the devices of a request."""

from collections.abc import Mapping, Sequence
from typing import Any

from oslo_utils import strutils

from mycloud.api.schema import INT32_MAX
from mycloud.common import exceptions
from mycloud.compute.requests.devices import device as devices

BOOL: dict[str, Any] = {
    "type": ["boolean", "string"],
    "enum": [
        True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes",
        False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no",
    ],
}
_TEXT: dict[str, Any] = {"type": ["string", "null"], "maxLength": 255}
_NAME: dict[str, Any] = {**_TEXT, "pattern": "^[a-zA-Z0-9._/-]*$"}
_SIZE: dict[str, Any] = {
    "type": ["integer", "string", "null"],
    "pattern": "^[0-9]{0,10}$",
    "minimum": 0,
    "maximum": INT32_MAX,
}
_BOOT_INDEX: dict[str, Any] = {
    "type": ["integer", "string", "null"],
    "pattern": "^-?[0-9]{1,4}$",
    "minimum": -1,
    "maximum": INT32_MAX,
}

NEW: dict[str, Any] = {
    "type": "object",
    "properties": {
        "boot_index": _BOOT_INDEX,
        "delete_on_termination": BOOL,
        "destination_type": {"type": "string", "enum": [devices.LOCAL, devices.VOLUME]},
        "device_name": _NAME,
        "device_type": _TEXT,
        "disk_bus": _TEXT,
        "guest_format": _TEXT,
        "no_device": BOOL,
        "source_type": {"type": "string", "enum": list(devices.SOURCES)},
        "uuid": {"type": "string", "maxLength": 255, "format": "uuid"},
        "volume_size": _SIZE,
        **{
            f"{source}_id": {"type": "string", "maxLength": 255, "format": "uuid"}
            for source in (devices.VOLUME, devices.SNAPSHOT, devices.IMAGE)
        },
    },
    "additionalProperties": False,
}
OLD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "device_name": {**_NAME, "type": "string", "minLength": 1},
        "volume_id": {"type": "string", "maxLength": 255, "format": "uuid"},
        "snapshot_id": {"type": "string", "maxLength": 255, "format": "uuid"},
        "volume_size": _SIZE,
        "virtual_name": {"type": "string", "maxLength": 255},
        "delete_on_termination": BOOL,
        # as the first of the two formats has it, anything but nothing means yes
        "no_device": {"maxLength": 255},
        "connection_info": {"maxLength": 255},
    },
    "additionalProperties": False,
}
_ROOTS = ("vda", "/dev/vda")


def flag(value: Any) -> bool:
    """What a schema let through as a yes or no."""
    found: bool = strutils.bool_from_string(value)
    return found


def asked(server: Mapping[str, Any]) -> tuple[str | None, tuple[devices.Device, ...]]:
    """The image to boot, and the devices that the body of a create asks for.

    :raises BadField: :raises InvalidDevicePath:
    """
    image: str | None = server.get("imageRef") or None
    old, new = server.get("block_device_mapping"), server.get("block_device_mapping_v2")
    if old and new:
        raise exceptions.BadField(
            field="block_device_mapping",
            reason="Using different block_device_mapping syntaxes is not allowed in the same "
            "request.",
        )
    if old:
        return image, _old(old, image)
    return _new(new or (), image)


def _new(
    documents: Sequence[Mapping[str, Any]], image: str | None
) -> tuple[str | None, tuple[devices.Device, ...]]:
    found = []
    for document in documents:
        if flag(document.get("no_device")):
            continue
        document = {
            **document, "delete_on_termination": flag(document.get("delete_on_termination")),
        }
        if _is_copy(document):
            # clients repeat the image as a local disk
            document.setdefault("boot_index", 0)
            image = image or document["uuid"]
        found.append(devices.device(document))
    return image, tuple(found)


def _is_copy(document: Mapping[str, Any]) -> bool:
    return (
        document.get("source_type") == devices.IMAGE
        and document.get("destination_type", devices.LOCAL) == devices.LOCAL
        and str(document.get("boot_index", 0)) == "0"
        and bool(document.get("uuid"))
    )


def _old(
    documents: Sequence[Mapping[str, Any]], image: str | None
) -> tuple[devices.Device, ...]:
    """The first format has volumes and snapshots; without an image the one called vda is booted,
    or else the first."""
    given = [each for each in documents if not each.get("no_device")]
    root = next((each for each in given if each.get("device_name") in _ROOTS), None)
    if root is None and image is None and given:
        root = given[0]
    return tuple(_from_old(each, root=each is root) for each in given)


def _from_old(document: Mapping[str, Any], *, root: bool) -> devices.Device:
    found: dict[str, Any] = {
        "device_name": document.get("device_name"),
        "volume_size": document.get("volume_size"),
        "delete_on_termination": flag(document.get("delete_on_termination")),
    }
    virtual = document.get("virtual_name") or ""
    if document.get("volume_id"):
        found |= {"source_type": devices.VOLUME, "uuid": document["volume_id"]}
    elif document.get("snapshot_id"):
        found |= {"source_type": devices.SNAPSHOT, "uuid": document["snapshot_id"]}
    elif virtual == devices.SWAP or virtual.startswith("ephemeral"):
        found |= {"source_type": devices.BLANK, "destination_type": devices.LOCAL}
        if virtual == devices.SWAP:
            found["guest_format"] = devices.SWAP
    else:
        raise exceptions.BadField(
            field="block_device_mapping",
            reason="a device needs volume_id, snapshot_id or virtual_name (ephemeral0, swap).",
        )
    return devices.device({**found, "boot_index": 0 if root else None})
