"""Every refusal of a new server's disks, and the names that they get."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.common.context import RequestContext
from mycloud.compute.requests import volumes as attaching
from mycloud.compute.requests.devices.device import (
    BLANK,
    DEFAULT_FORMAT,
    IMAGE,
    LOCAL,
    OF_IMAGE,
    SNAPSHOT,
    SWAP,
    VOLUME,
    Device,
    Disks,
    about,
    of_image,
    refuse,
    spec_of,
)
from mycloud.db import snapshots, volumes
from mycloud.image import reader as images
from mycloud.volume.requests import create as volume_create

Row = Mapping[str, Any]

_ROOT = "/dev/vda"
#: What a volume remembers of its image beside the image's properties.
_ATTRIBUTES = frozenset(
    {
        "image_id", "image_name", "checksum", "container_format", "disk_format", "min_disk",
        "min_ram", "size",
    }
)


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
    if image is not None and OF_IMAGE in image["properties"] and not image["size"]:
        raise refuse(f"image {image['id']} has no data, and names no disk to boot from.")
    if not devices:
        return Disks(image=image, properties=image["properties"] if image else {})
    _check_boot(devices, image)
    _check_unique("device_name", [device.name for device in devices])
    _check_unique("tag", [device.tag for device in devices])
    devices = _check_local(devices, flavor)
    if len(devices) + (image is not None) > attaching.MOST:
        raise refuse(f"a server has at most {attaching.MOST} disks.")
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
        raise refuse("Mapping image to local is not supported but for the boot disk.")
    named = {each.name for each in mine if each.name}
    given = [
        each
        for each in (of_image(image) if image else [])
        if not each.name or each.name not in named
    ]
    devices = [*given, *mine]
    roots = [each for each in devices if each.boot_index == 0]
    if image is not None and roots:
        if given or any(each.source_id == image["id"] for each in roots):
            # it only names the disks, or is what the boot volume is made of
            return devices, None
        raise refuse(
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
        raise refuse(
            "Boot sequence for the instance and image/block device mapping combination is not "
            "valid: one device must have boot_index 0, further ones 1, 2 ...; the others none."
        )
    for each in devices:
        if each.boot_index == 0 and each.source == BLANK:
            raise refuse("a blank disk can't be booted from.")


def _check_unique(what: str, values: Iterable[str | None]) -> None:
    given = [value for value in values if value]
    twice = sorted({value for value in given if given.count(value) > 1})
    if twice:
        raise refuse(f"{what} {', '.join(twice)} is given to several devices.")


def _check_local(devices: Sequence[Device], flavor: Row) -> list[Device]:
    """All devices, local ones with sizes: those asked for, or those of the flavor."""
    others = [each for each in devices if each.destination != LOCAL]
    swaps = [each for each in devices if each.is_swap]
    blanks = [each for each in devices if each.destination == LOCAL and not each.is_swap]
    if len(swaps) > 1:
        raise refuse("More than one swap drive requested.")
    if any((each.size or flavor["swap_mb"]) > flavor["swap_mb"] for each in swaps):
        raise refuse("Swap drive requested is larger than instance type allows.")
    sized = [replace(each, size=each.size or flavor["ephemeral_gb"]) for each in blanks]
    if sum(each.size or 0 for each in sized) > flavor["ephemeral_gb"] or any(
        not each.size for each in sized
    ):
        raise refuse(
            "Ephemeral disks requested are larger than the instance type allows: "
            f"{flavor['ephemeral_gb']} GiB in all."
        )
    if not sized and flavor["ephemeral_gb"]:
        sized = [Device(BLANK, LOCAL, size=flavor["ephemeral_gb"], guest_format=DEFAULT_FORMAT)]
    swaps = [replace(each, size=each.size or flavor["swap_mb"]) for each in swaps]
    if any(not each.size for each in swaps):
        raise refuse("Swap drive requested is larger than instance type allows.")
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
        raise refuse(f"{what} need to have a non-zero size: set volume_size.")
    if device.source != VOLUME:
        with about(device):
            volume_create.find(conn, context, spec_of(device))
        return
    if asked.count > 1:
        raise refuse(
            f"Cannot attach one or more volumes to multiple instances: volume {device.source_id} "
            "exists already; ask for one server, or have volumes made."
        )
    with about(device):
        row = volumes.get(conn, str(device.source_id), project_id=context.project_id or "")
    if row["multiattach"] and not asked.multiattach:
        raise exceptions.MultiattachTooOld()


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
            raise refuse(
                f"{root.source} {root.source_id} is not bootable; make a volume from an image, or "
                "set it bootable."
            )
        kept = row["image_metadata"] or {}
        least, memory = _number(kept.get("min_disk")), _number(kept.get("min_ram"))
        properties = image_properties(kept)
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


def image_properties(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of its image, of what a volume has kept of that."""
    return {name: kept[name] for name in kept if name not in _ATTRIBUTES}


def _number(text: Any) -> int:
    return int(text) if str(text or "").isdigit() else 0


def _named(devices: Sequence[Device], image: Row | None) -> Iterator[Device]:
    """The devices with names, the boot disk's first."""
    taken = [each.name for each in devices if each.name]
    if image is not None:
        if _ROOT in taken:
            raise refuse(f"{_ROOT} is the disk of the image.")
        taken.append(_ROOT)
    for each in sorted(devices, key=lambda each: each.boot_index != 0):
        name = each.name or attaching.next_device(taken, each.bus)
        taken.append(name)
        yield replace(each, name=name)
