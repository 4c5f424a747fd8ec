"""One disk of a new server: as a client, or an image, says it.

An image may name disks: one that was made of a server that boots from a volume has no data but
snapshots, of which the new server's volumes are made.
"""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mycloud.common import exceptions
from mycloud.compute.requests import volumes as attaching
from mycloud.volume.requests import create as volume_create

Row = Mapping[str, Any]

FIELD = "block_device_mapping_v2"
#: The property of an image that names disks: a JSON list.
OF_IMAGE = "block_device_mapping"

LOCAL, VOLUME = "local", "volume"
BLANK, IMAGE, SNAPSHOT = "blank", "image", "snapshot"
SOURCES = (BLANK, IMAGE, SNAPSHOT, VOLUME)
SWAP = "swap"
#: What an empty disk may hold from the start.
FORMATS = ("ext2", "ext3", "ext4", SWAP)
DEFAULT_FORMAT = "ext4"
BUSES = tuple(attaching.PREFIXES)
#: kind of a disk -> where it may be
_TYPES = {
    "disk": BUSES, "cdrom": ("scsi", "sata", "ide", "usb"), "lun": ("virtio", "scsi"),
}
_NAME = re.compile(r"(/dev/)?(x?[a-z]?d?[a-z]+[0-9]*)")
_GIB_IN_MIB = 1024

@dataclass(frozen=True)
class Device:
    """One disk. ``size``: GiB, of swap MiB; None: that of its source, or of the flavor.

    ``boot_index`` 0: the server boots from it; None: never.
    """

    source: str
    destination: str
    source_id: str | None = None
    boot_index: int | None = None
    size: int | None = None
    name: str | None = None
    bus: str = attaching.DEFAULT_BUS
    type: str = "disk"
    guest_format: str | None = None
    tag: str | None = None
    volume_type: str | None = None
    delete_on_termination: bool = False

    @property
    def is_swap(self) -> bool:
        return self.destination == LOCAL and self.guest_format == SWAP


@dataclass(frozen=True)
class Disks:
    """All disks of a server but the copy of its image. ``devices``: with their names.

    ``image``: what its own root disk is made of; None: it boots from a volume, whose image's
    properties are ``properties``.
    """

    devices: tuple[Device, ...] = ()
    image: Row | None = None
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def volume_booted(self) -> bool:
        return any(device.boot_index == 0 for device in self.devices)

    def payload(self) -> dict[str, Any]:
        """What the scheduler and the host must know of them."""
        found: dict[str, Any] = {}
        if any(device.destination == VOLUME for device in self.devices):
            found["volumes"] = True
        if self.volume_booted:
            found["volume_booted"] = True
        blank = [_blank(device) for device in self.devices if device.destination == LOCAL]
        if blank:
            found["blank_disks"] = blank
        return found


def _blank(device: Device) -> dict[str, Any]:
    assert device.size is not None and device.name is not None
    return {
        "size_mb": device.size if device.is_swap else device.size * _GIB_IN_MIB,
        "file_system": device.guest_format,
        "device": device.name.rpartition("/")[2],
        "bus": device.bus,
        "tag": device.tag,
    }


def refuse(reason: str) -> exceptions.BadField:
    """The error for devices that make no sense."""
    return exceptions.BadField(
        field=FIELD, reason=f"Block Device Mapping is Invalid: {reason}"
    )


# -- from what a client or an image says -------------------------------------------------------


def device(document: Mapping[str, Any]) -> Device:
    """A device of block_device_mapping_v2, whose types a schema has checked.

    :raises BadField:
    """
    source = document.get("source_type") or _source_of(document)
    destination = document.get("destination_type") or (
        VOLUME if source in (VOLUME, SNAPSHOT) else LOCAL
    )
    source_id = document.get("uuid") or document.get(f"{source}_id")
    if source == BLANK and source_id:
        raise refuse("Invalid device UUID: a blank disk has no source.")
    if source != BLANK and not source_id:
        raise refuse("Missing device UUID.")
    if destination == LOCAL and source in (VOLUME, SNAPSHOT):
        raise refuse(f"a {source} can't be a local disk; use destination_type volume.")
    kind = document.get("device_type") or "disk"
    bus = document.get("disk_bus") or (
        "scsi" if kind == "cdrom" else attaching.DEFAULT_BUS
    )
    if kind not in _TYPES or bus not in _TYPES[kind]:
        raise refuse(
            f"there is no {kind} on the bus {bus}; there are "
            + ", ".join(f"{name} on {' or '.join(on)}" for name, on in _TYPES.items()) + "."
        )
    return Device(
        source=source,
        destination=destination,
        source_id=source_id,
        boot_index=_boot_index(document.get("boot_index")),
        size=_size(document.get("volume_size")),
        name=_name(document.get("device_name")),
        bus=bus,
        type=kind,
        guest_format=_guest_format(document.get("guest_format"), source, destination),
        tag=document.get("tag"),
        volume_type=document.get("volume_type"),
        delete_on_termination=bool(document.get("delete_on_termination")),
    )


def _source_of(document: Mapping[str, Any]) -> str:
    """Of a device that says no more than what it is made from."""
    for source in (VOLUME, SNAPSHOT, IMAGE):
        if document.get(f"{source}_id"):
            return source
    return IMAGE if document.get("uuid") else BLANK


def _boot_index(value: Any) -> int | None:
    if value is None or value == "":
        return None
    try:
        index = int(value)
    except (TypeError, ValueError):
        raise refuse("Boot index is invalid.") from None
    return index if index >= 0 else None


def _size(value: Any) -> int | None:
    if value is None or value == "":
        return None
    try:
        size = int(value)
    except (TypeError, ValueError):
        raise refuse("volume_size must be a whole number.") from None
    if not 0 <= size <= volume_create.MAX_SIZE:
        raise refuse(f"volume_size must be from 0 to {volume_create.MAX_SIZE}.")
    return size or None


def _name(value: Any) -> str | None:
    if value is None or value == "":
        return None
    match = _NAME.fullmatch(str(value))
    if match is None:
        raise exceptions.InvalidDevicePath(path=str(value)[:100])
    return f"/dev/{match[2]}"


def _guest_format(value: str | None, source: str, destination: str) -> str | None:
    if source != BLANK or destination != LOCAL:
        # only what the host makes holds anything of the host's choice
        return None
    if value is None:
        return DEFAULT_FORMAT
    if value not in FORMATS:
        raise refuse(f"there is no guest_format {value[:50]}; there are {', '.join(FORMATS)}.")
    return value


def of_image(image: Row) -> list[Device]:
    """The disks that an image names. It was written by a tenant."""
    text = image["properties"].get(OF_IMAGE)
    if not text:
        return []
    broken = refuse(
        f"the property {OF_IMAGE} of image {image['id']} is not a list of devices."
    )
    try:
        documents = json.loads(text)
    except (TypeError, ValueError):
        raise broken from None
    if not isinstance(documents, list) or len(documents) > attaching.MOST:
        raise broken
    if not all(isinstance(each, dict) and _plain(each) for each in documents):
        raise broken
    found = [device(each) for each in documents if not each.get("no_device")]
    if any(each.source == VOLUME for each in found):
        # whoever wrote the image must not choose what is done to the volumes of who boots it
        raise refuse(f"image {image['id']} names volumes; an image may name snapshots only.")
    return found


def _plain(document: dict[str, Any]) -> bool:
    return (
        document.get("source_type") in (None, *SOURCES)
        and document.get("destination_type") in (None, LOCAL, VOLUME)
        and all(
            value is None or isinstance(value, (bool, int))
            or (isinstance(value, str) and len(value) <= 255 and value.isprintable())
            for value in document.values()
        )
    )


# -- the volume that it is ---------------------------------------------------------------------


@contextlib.contextmanager
def about(device: Device) -> Iterator[None]:
    """What a device refers to and is not there is an error of the request."""
    try:
        yield
    except exceptions.NotFound as error:
        raise refuse(f"failed to get {device.source} {device.source_id}: {error.message}") \
            from error


def spec_of(device: Device, *, name: str | None = None) -> volume_create.VolumeSpec:
    """The volume that is to be made for a device."""
    return volume_create.VolumeSpec(
        size_gb=device.size,
        name=name,
        volume_type=device.volume_type,
        snapshot_id=device.source_id if device.source == SNAPSHOT else None,
        image_ref=device.source_id if device.source == IMAGE else None,
    )
