"""What other services may know of an image."""

import json
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import exceptions, states
from mycloud.image import access, inspection

_FOR_BOOT = (
    "id", "name", "disk_format", "size", "virtual_size", "min_disk", "min_ram", "owner",
    "visibility", "properties",
)


def for_boot(conn: Connection, context: Any, image_id: str) -> dict[str, Any]:
    """An image that the caller may boot: id, name, checksum (sha512 in hex), disk_format, size
    and virtual_size (bytes), min_disk (GiB), min_ram (MiB), properties, owner, visibility.

    :raises ImageNotFound: also for one that the caller does not see
    :raises ImageNotActive: says which state it is in
    :raises ImageRejected: its data is not of the format that it is declared as
    """
    image = _active(conn, context, image_id)
    inspection.check_bootable(image)
    return _told(image)


def boot_snapshot(conn: Connection, context: Any, image_id: str) -> str | None:
    """The snapshot that a server of an image without data would boot from; None for an image that
    names none. Whether the caller may use it is not looked at.

    :raises ImageNotFound: also for one that the caller does not see
    :raises ImageNotActive:
    """
    image = _active(conn, context, image_id)
    text = image["properties"].get("block_device_mapping")
    if image["size"] or not text:
        return None
    try:
        devices = json.loads(text)
    except (TypeError, ValueError):
        return None
    for each in devices if isinstance(devices, list) else ():
        if isinstance(each, dict) and each.get("boot_index") == 0:
            named = each.get("snapshot_id")
            return named if isinstance(named, str) else None
    return None


def for_server(conn: Connection, context: Any, image_id: str) -> dict[str, Any]:
    """As for_boot, of an image that may be without data: one that only names the disks of a
    server, in its property block_device_mapping."""
    image = _active(conn, context, image_id)
    if not (image["properties"].get("block_device_mapping") and not image["size"]):
        inspection.check_bootable(image)
    return _told(image)


def _active(conn: Connection, context: Any, image_id: str) -> dict[str, Any]:
    image = access.load(conn, context, image_id)
    if image["status"] != states.Image.ACTIVE:
        raise exceptions.ImageNotActive(image_id=image_id, status=image["status"])
    return image


def _told(image: dict[str, Any]) -> dict[str, Any]:
    return {name: image[name] for name in _FOR_BOOT} | {"checksum": image["hash_value"]}
