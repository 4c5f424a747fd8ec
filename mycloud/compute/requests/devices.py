"""The disks of a new server: what is asked for is checked, then written with the volumes that are
to be made.

An image may name disks too: one that was made of a server that boots from a volume has no data but
snapshots, of which the new server's volumes are made.
"""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.common.context import RequestContext
from mycloud.compute.requests import volumes as attaching
from mycloud.db import attachments, block_devices, snapshots, volumes
from mycloud.image import reader as images
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
_DEFAULT_FORMAT = "ext4"
BUSES = tuple(attaching.PREFIXES)
#: kind of a disk -> where it may be
_TYPES = {
    "disk": BUSES, "cdrom": ("scsi", "sata", "ide", "usb"), "lun": ("virtio", "scsi"),
}
_NAME = re.compile(r"(/dev/)?(x?[a-z]?d?[a-z]+[0-9]*)")
_ROOT = "/dev/vda"
_GIB_IN_MIB = 1024
#: What a volume remembers of its image beside the image's properties.
_ATTRIBUTES = frozenset(
    {
        "image_id", "image_name", "checksum", "container_format", "disk_format", "min_disk",
        "min_ram", "size",
    }
)


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


def _refuse(reason: str) -> exceptions.BadField:
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
        raise _refuse("Invalid device UUID: a blank disk has no source.")
    if source != BLANK and not source_id:
        raise _refuse("Missing device UUID.")
    if destination == LOCAL and source in (VOLUME, SNAPSHOT):
        raise _refuse(f"a {source} can't be a local disk; use destination_type volume.")
    kind = document.get("device_type") or "disk"
    bus = document.get("disk_bus") or (
        "scsi" if kind == "cdrom" else attaching.DEFAULT_BUS
    )
    if kind not in _TYPES or bus not in _TYPES[kind]:
        raise _refuse(
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
        raise _refuse("Boot index is invalid.") from None
    return index if index >= 0 else None


def _size(value: Any) -> int | None:
    if value is None or value == "":
        return None
    try:
        size = int(value)
    except (TypeError, ValueError):
        raise _refuse("volume_size must be a whole number.") from None
    if not 0 <= size <= volume_create.MAX_SIZE:
        raise _refuse(f"volume_size must be from 0 to {volume_create.MAX_SIZE}.")
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
        return _DEFAULT_FORMAT
    if value not in FORMATS:
        raise _refuse(f"there is no guest_format {value[:50]}; there are {', '.join(FORMATS)}.")
    return value


def _of_image(image: Row) -> list[Device]:
    """The disks that an image names. It was written by a tenant."""
    text = image["properties"].get(OF_IMAGE)
    if not text:
        return []
    broken = _refuse(
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
    return [device(each) for each in documents if not each.get("no_device")]


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


# -- every refusal -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """``devices`` of the request, beside the image that it names; ``count`` servers at most.

    ``multiattach``: the caller knows of volumes that several servers have.
    """

    devices: Sequence[Device]
    image: Row | None
    count: int = 1
    multiattach: bool = True


def find(conn: Connection, context: RequestContext, asked: Asked, flavor: Row) -> Disks:
    """The disks of a server, with names; what does not fit is refused.

    Whether volumes are free is seen when they are taken.

    :raises BadField: :raises Invalid: :raises InvalidDevicePath:
    """
    devices, image = _merged(asked)
    if not devices:
        return Disks(image=image, properties=image["properties"] if image else {})
    if image is not None and not image["size"]:
        raise _refuse(f"image {image['id']} has no data, and names no disk to boot from.")
    _check_boot(devices, image)
    _check_unique("device_name", [device.name for device in devices])
    _check_unique("tag", [device.tag for device in devices])
    devices = _check_local(devices, flavor)
    if len(devices) + (image is not None) > attaching.MOST:
        raise _refuse(f"a server has at most {attaching.MOST} disks.")
    for each in devices:
        if each.destination == VOLUME:
            _check_volume(conn, context, asked, each)
    named = tuple(_named(devices, image))
    if image is not None:
        return Disks(named, image, image["properties"])
    return Disks(named, None, _boot_source(conn, context, named, flavor))


def _merged(asked: Asked) -> tuple[list[Device], Row | None]:
    """The devices but for the copy of the image; the image if it is copied."""
    image = asked.image
    mine = [each for each in asked.devices if not _is_image_copy(each, image)]
    if any(each.source == IMAGE and each.destination == LOCAL for each in mine):
        raise _refuse("Mapping image to local is not supported but for the boot disk.")
    named = {each.name for each in mine if each.name}
    given = [
        each
        for each in (_of_image(image) if image else [])
        if not each.name or each.name not in named
    ]
    devices = [*given, *mine]
    roots = [each for each in devices if each.boot_index == 0]
    if image is not None and roots:
        if given or any(each.source_id == image["id"] for each in roots):
            # it only names the disks, or is what the boot volume is made of
            return devices, None
        raise _refuse(
            f"imageRef names image {image['id']}, but the device with boot_index 0 is another; "
            "leave one of them out."
        )
    return devices, image


def _is_image_copy(device: Device, image: Row | None) -> bool:
    return (
        device.source == IMAGE
        and device.destination == LOCAL
        and device.boot_index == 0
        and image is not None
        and image["id"] == device.source_id
    )


def _check_boot(devices: Sequence[Device], image: Row | None) -> None:
    indexes = sorted(each.boot_index for each in devices if each.boot_index is not None)
    if image is not None:
        indexes = [0, *indexes]
    if not indexes or indexes != list(range(len(indexes))):
        raise _refuse(
            "Boot sequence for the instance and image/block device mapping combination is not "
            "valid: one device must have boot_index 0, further ones 1, 2 ...; the others none."
        )
    for each in devices:
        if each.boot_index == 0 and each.source == BLANK:
            raise _refuse("a blank disk can't be booted from.")


def _check_unique(what: str, values: Iterable[str | None]) -> None:
    given = [value for value in values if value]
    twice = sorted({value for value in given if given.count(value) > 1})
    if twice:
        raise _refuse(f"{what} {', '.join(twice)} is given to several devices.")


def _check_local(devices: Sequence[Device], flavor: Row) -> list[Device]:
    """All devices, local ones with sizes: those asked for, or those of the flavor."""
    others = [each for each in devices if each.destination != LOCAL]
    swaps = [each for each in devices if each.is_swap]
    blanks = [each for each in devices if each.destination == LOCAL and not each.is_swap]
    if len(swaps) > 1:
        raise _refuse("More than one swap drive requested.")
    if any((each.size or flavor["swap_mb"]) > flavor["swap_mb"] for each in swaps):
        raise _refuse("Swap drive requested is larger than instance type allows.")
    sized = [replace(each, size=each.size or flavor["ephemeral_gb"]) for each in blanks]
    if sum(each.size or 0 for each in sized) > flavor["ephemeral_gb"] or any(
        not each.size for each in sized
    ):
        raise _refuse(
            "Ephemeral disks requested are larger than the instance type allows: "
            f"{flavor['ephemeral_gb']} GiB in all."
        )
    if not sized and flavor["ephemeral_gb"]:
        sized = [Device(BLANK, LOCAL, size=flavor["ephemeral_gb"], guest_format=_DEFAULT_FORMAT)]
    swaps = [replace(each, size=each.size or flavor["swap_mb"]) for each in swaps]
    if any(not each.size for each in swaps):
        raise _refuse("Swap drive requested is larger than instance type allows.")
    if not swaps and flavor["swap_mb"]:
        swaps = [Device(BLANK, LOCAL, size=flavor["swap_mb"], guest_format=SWAP)]
    return [*others, *sized, *swaps]


def _check_volume(
    conn: Connection, context: RequestContext, asked: Asked, device: Device
) -> None:
    if device.source in (BLANK, IMAGE) and not device.size:
        what = "Blank volumes (source: 'blank', dest: 'volume')"
        if device.source == IMAGE:
            what = "Images with destination_type 'volume'"
        raise _refuse(f"{what} need to have a non-zero size: set volume_size.")
    if device.source != VOLUME:
        with _about(device):
            volume_create.find(conn, context, _spec(device))
        return
    if asked.count > 1:
        raise _refuse(
            f"Cannot attach one or more volumes to multiple instances: volume {device.source_id} "
            "exists already; ask for one server, or have volumes made."
        )
    with _about(device):
        row = volumes.get(conn, str(device.source_id), project_id=context.project_id or "")
    if row["multiattach"] and not asked.multiattach:
        raise exceptions.MultiattachTooOld()


@contextlib.contextmanager
def _about(device: Device) -> Iterator[None]:
    """What a device refers to and is not there is an error of the request."""
    try:
        yield
    except exceptions.NotFound as error:
        raise _refuse(f"failed to get {device.source} {device.source_id}: {error.message}") \
            from error


def _spec(device: Device, *, name: str | None = None) -> volume_create.VolumeSpec:
    return volume_create.VolumeSpec(
        size_gb=device.size,
        name=name,
        volume_type=device.volume_type,
        snapshot_id=device.source_id if device.source == SNAPSHOT else None,
        image_ref=device.source_id if device.source == IMAGE else None,
    )


def _boot_source(
    conn: Connection, context: RequestContext, devices: Sequence[Device], flavor: Row
) -> dict[str, Any]:
    """The properties of the image in the volume that is booted, if it fits the flavor."""
    root = next(each for each in devices if each.boot_index == 0)
    size = root.size
    if root.source == IMAGE:
        known = images.for_boot(conn, context, str(root.source_id))
        least, memory, properties = known["min_disk"], known["min_ram"], known["properties"]
    else:
        if root.source == SNAPSHOT:
            snapshot = snapshots.get(conn, str(root.source_id))
            row = volumes.get(conn, snapshot["volume_id"], deleted=True)
            size = size or snapshot["size_gb"]
        else:
            row = volumes.get(conn, str(root.source_id))
            size = row["size_gb"]
        if not row["bootable"]:
            raise _refuse(
                f"{root.source} {root.source_id} is not bootable; make a volume from an image, or "
                "set it bootable."
            )
        kept = row["image_metadata"] or {}
        least, memory = _number(kept.get("min_disk")), _number(kept.get("min_ram"))
        properties = {name: kept[name] for name in kept if name not in _ATTRIBUTES}
    if memory > flavor["memory_mb"]:
        raise exceptions.Invalid(
            f"Flavor's memory is too small for requested image: {flavor['memory_mb']} MiB, but "
            f"the image needs {memory} MiB. Choose a larger flavor."
        )
    if size and least > size:
        raise exceptions.Invalid(
            f"Volume is smaller than the minimum size specified in image metadata. Volume size is "
            f"{size} GiB, minimum size is {least} GiB."
        )
    return dict(properties)


def _number(text: Any) -> int:
    return int(text) if str(text or "").isdigit() else 0


def _named(devices: Sequence[Device], image: Row | None) -> Iterator[Device]:
    """The devices with names, the boot disk's first."""
    taken = [each.name for each in devices if each.name]
    if image is not None:
        if _ROOT in taken:
            raise _refuse(f"{_ROOT} is the disk of the image.")
        taken.append(_ROOT)
    for each in sorted(devices, key=lambda each: each.boot_index != 0):
        name = each.name or attaching.next_device(taken, each.bus)
        taken.append(name)
        yield replace(each, name=name)


# -- rows --------------------------------------------------------------------------------------


def write(
    conn: Connection, context: RequestContext, server: Row, disks: Disks
) -> list[dict[str, Any]]:
    """Take or make the volumes of a new server and write its devices, in this transaction; the
    operations that make volumes, which the caller writes and rings.

    :raises InvalidVolume: one is not available
    :raises ServerVolumesExceeded: the project may not have as many volumes
    """
    operations: list[dict[str, Any]] = []
    rows = []
    for each in disks.devices:
        volume = attachment = None
        if each.destination == VOLUME:
            values = {"server_id": server["id"], "mountpoint": each.name}
            if each.source == VOLUME:
                volume = volumes.get(
                    conn, str(each.source_id), project_id=server["project_id"]
                )
                attachment = attachments.reserve(conn, volume, values)
            else:
                volume, operation = _make(conn, context, server, each)
                operations.append(operation)
                attachment = attachments.promise(conn, volume, values)
        rows.append(_row(server, each, volume, attachment))
    block_devices.insert(conn, rows)
    return operations


def _make(
    conn: Connection, context: RequestContext, server: Row, device: Device
) -> tuple[Row, dict[str, Any]]:
    name = f"{server['id']}-blank-vol" if device.source == BLANK else ""
    spec = _spec(device, name=name)
    with _about(device):
        found = volume_create.find(conn, context, spec)
    try:
        return volume_create.insert(conn, context, spec, found)
    except exceptions.VolumeQuotaExceeded as error:
        raise exceptions.ServerVolumesExceeded(reason=error.message) from error


def _row(
    server: Row, device: Device, volume: Row | None, attachment: Row | None
) -> dict[str, Any]:
    return attaching.device_row(
        server["id"],
        source_type=device.source,
        destination_type=device.destination,
        source_id=device.source_id,
        volume_id=volume["id"] if volume else None,
        attachment_id=attachment["id"] if attachment else None,
        boot_index=device.boot_index,
        device_name=device.name,
        disk_bus=device.bus,
        device_type=device.type,
        guest_format=device.guest_format,
        tag=device.tag,
        volume_size=volume["size_gb"] if volume else device.size,
        volume_type_id=volume["volume_type_id"] if volume else None,
        delete_on_termination=device.delete_on_termination,
    )
