"""The disks of a new server: what it boots from, and what else it gets."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mycloud.cli.exits import UsageError
from mycloud.cli.volumes import common

if TYPE_CHECKING:
    from mycloud.client.connection import Client

_KEYS = (
    "uuid", "source_type", "destination_type", "boot_index", "volume_size", "volume_type",
    "delete_on_termination", "device_name", "device_type", "disk_bus", "guest_format", "tag",
)  # fmt: skip
_NUMBERS = frozenset({"boot_index", "volume_size"})
_SOURCES = ("volume", "snapshot", "image", "blank")
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


def block_device(text: str) -> dict[str, Any]:
    """A type for ``KEY=VALUE,KEY=VALUE``: a disk as the compute API has it."""
    found: dict[str, Any] = {}
    for part in text.split(","):
        key, sign, value = part.partition("=")
        if key not in _KEYS or not sign or not value:
            raise argparse.ArgumentTypeError(
                f"'{part}' must be one of {', '.join(_KEYS)} with = and a value"
            )
        found[key] = _value(key, value)
    source = found.setdefault("source_type", "volume")
    if source not in _SOURCES:
        raise argparse.ArgumentTypeError(
            f"source_type '{source}' must be one of {', '.join(_SOURCES)}"
        )
    if (source == "blank") == ("uuid" in found):
        needs = "takes no uuid" if source == "blank" else "needs uuid=NAME or uuid=ID"
        raise argparse.ArgumentTypeError(f"'{text}': a disk with source_type={source} {needs}")
    found.setdefault("destination_type", "volume")
    return found


def _value(key: str, value: str) -> Any:
    if key in _NUMBERS:
        try:
            return int(value)
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{key}={value}' must be a number") from None
    if key == "delete_on_termination":
        if value.lower() not in _TRUTHS:
            raise argparse.ArgumentTypeError(f"'{key}={value}' must be true or false")
        return _TRUTHS[value.lower()]
    return value


def add_options(parser: argparse.ArgumentParser) -> None:
    """What it boots from, of which one is needed, and its further disks."""
    sources = parser.add_mutually_exclusive_group()
    sources.add_argument("--image", metavar="IMAGE", help="what it boots from (name or id)")
    sources.add_argument(
        "--volume", metavar="VOLUME", help="boot from this volume instead (name or id)"
    )
    sources.add_argument(
        "--snapshot",
        metavar="SNAPSHOT",
        help="boot from a new volume that is made of this snapshot (name or id)",
    )
    parser.add_argument(
        "--boot-from-volume",
        type=common.size,
        metavar="GIB",
        help="boot from a new volume of that size, that is made of --image",
    )
    parser.add_argument(
        "--block-device",
        dest="block_devices",
        action="append",
        default=[],
        type=block_device,
        metavar="KEY=VALUE,...",
        help="a further disk, or with boot_index=0 the first: uuid=NAME or ID, "
        "source_type=volume|snapshot|image|blank, destination_type=volume|local, "
        "volume_size=GIB, boot_index, delete_on_termination, device_name, disk_bus, tag ... "
        "(can be repeated)",
    )


def check(parsed_args: argparse.Namespace) -> None:
    """:raises UsageError: when it could not boot, or not from one thing alone"""
    boots = [device for device in parsed_args.block_devices if device.get("boot_index") == 0]
    source = parsed_args.image or parsed_args.volume or parsed_args.snapshot
    if parsed_args.boot_from_volume and not parsed_args.image:
        raise UsageError("--boot-from-volume goes with --image")
    if bool(source) + len(boots) == 0:
        raise UsageError(
            "Say what it boots from: --image, --volume, --snapshot, or --block-device with "
            "boot_index=0"
        )
    if bool(source) + len(boots) > 1:
        raise UsageError("Give one thing to boot from: --block-device with boot_index=0 is one")


def image_and_devices(
    client: "Client", parsed_args: argparse.Namespace
) -> tuple[str | None, list[dict[str, Any]]]:
    """The id of the image that it boots from, if it does, and its disks, with ids for names."""
    devices = [_with_id(client, device) for device in parsed_args.block_devices]
    if parsed_args.volume:
        volume_id = client.volumes.find(parsed_args.volume).id
        return None, [_first("volume", volume_id), *devices]
    if parsed_args.snapshot:
        snapshot_id = client.snapshots.find(parsed_args.snapshot).id
        return None, [_first("snapshot", snapshot_id), *devices]
    if not parsed_args.image:
        return None, devices
    image_id = client.images.find(parsed_args.image).id
    if parsed_args.boot_from_volume:
        first = _first("image", image_id) | {"volume_size": parsed_args.boot_from_volume}
        return None, [first, *devices]
    if devices:
        # the compute API wants the image's own disk named once there are others
        first = _first("image", image_id) | {
            "destination_type": "local", "delete_on_termination": True,
        }  # fmt: skip
        return image_id, [first, *devices]
    return image_id, []


def _first(source: str, source_id: str) -> dict[str, Any]:
    return {
        "source_type": source,
        "uuid": source_id,
        "destination_type": "volume",
        "boot_index": 0,
        "delete_on_termination": False,
    }


def _with_id(client: "Client", device: Mapping[str, Any]) -> dict[str, Any]:
    """A disk with the id of what its ``uuid`` names; boot_index -1 unless given."""
    found = {"boot_index": -1, "delete_on_termination": False, **device}
    finders = {
        "volume": lambda name: client.volumes.find(name).id,
        "snapshot": lambda name: client.snapshots.find(name).id,
        "image": lambda name: client.images.find(name).id,
    }
    if "uuid" in found:
        found["uuid"] = finders[found["source_type"]](found["uuid"])
    return found
