"""``mycloud volume create``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud import client as library
from mycloud.cli import arguments
from mycloud.cli.command import ShowOne, pairs
from mycloud.cli.exits import UsageError
from mycloud.cli.volumes import common
from mycloud.cli.volumes.show import fields
from mycloud.common import states

if TYPE_CHECKING:
    from mycloud.client.images import Image

_GIB = 1 << 30


def add_flags(parser: argparse.ArgumentParser) -> None:
    """``--bootable`` and ``--read-only`` with their opposites."""
    arguments.add_switch(
        parser,
        "bootable",
        ("bootable", "let servers boot from it"),
        ("non-bootable", "let no server boot from it"),
    )
    arguments.add_switch(
        parser,
        "read_only",
        ("read-only", "let nobody write to it"),
        ("read-write", "let servers write to it"),
    )


def size_for(image: "Image") -> int:
    """The GiB that a volume needs to hold an image."""
    return max(image.min_disk, gib(image.virtual_size or image.size or 1))


def gib(count: int) -> int:
    """Bytes as GiB, rounded up."""
    return -(-count // _GIB)


class CreateVolume(ShowOne):
    """Create a volume: empty, or as a copy of an image, snapshot, volume or backup"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", nargs="?", metavar="NAME", help="what to call it")
        parser.add_argument(
            "--size",
            type=common.size,
            metavar="GIB",
            help="its size in GiB (default: that of what it is a copy of)",
        )
        source = parser.add_mutually_exclusive_group()
        for option, text in (
            ("--image", "make it of this image"),
            ("--snapshot", "make it of this snapshot of a volume"),
            ("--source", "make it of this volume"),
            ("--backup", "make it of this backup"),
        ):
            source.add_argument(option, metavar=option[2:].upper(), help=f"{text} (name or id)")
        parser.add_argument("--type", metavar="TYPE", help="its type (name or id)")
        parser.add_argument("--description", help="a text about it")
        parser.add_argument("--availability-zone", metavar="ZONE", help="zone to lie in")
        parser.add_argument(
            "--hint",
            dest="hints",
            action="append",
            default=[],
            type=arguments.key_value,
            metavar="KEY=VALUE",
            help="hint for the scheduler, such as same_host=ID (can be repeated)",
        )
        add_flags(parser)
        arguments.add_properties(parser, "metadata")
        arguments.add_wait(parser, "it is available")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        given = vars(parsed_args)
        if not any(given[one] for one in ("size", "image", "snapshot", "source", "backup")):
            raise UsageError(
                "Say how large it is to be with --size, or what it is to be a copy of with "
                "--image, --snapshot, --source or --backup"
            )
        client = self.client
        wanted: dict[str, Any] = {"size": parsed_args.size}
        if parsed_args.image:
            image = client.images.find(parsed_args.image)
            wanted |= {"image_id": image.id, "size": parsed_args.size or size_for(image)}
        for option, collection in (
            ("snapshot", client.snapshots),
            ("source", client.volumes),
            ("backup", client.backups),
        ):
            if given[option]:
                wanted[f"{option}_id"] = collection.find(given[option]).id
        if parsed_args.backup and parsed_args.size is None:
            wanted["size"] = client.backups.get(wanted["backup_id"]).size
        if parsed_args.type:
            wanted["type"] = client.volume_types.find(parsed_args.type).id
        accepted = client.volumes.create(
            library.NewVolume(
                name=parsed_args.name,
                description=parsed_args.description,
                availability_zone=parsed_args.availability_zone,
                metadata=dict(parsed_args.properties),
                hints=dict(parsed_args.hints),
                **wanted,
            )
        )
        flags = {"bootable": parsed_args.bootable, "read_only": parsed_args.read_only}
        # only a volume that exists can be marked
        parsed_args.wait = parsed_args.wait or any(flag is not None for flag in flags.values())
        volume = common.settle(
            self.app, client.volumes, accepted, parsed_args, [states.Vol.AVAILABLE]
        )
        if parsed_args.bootable is not None:
            client.volumes.set_bootable(volume.id, bootable=parsed_args.bootable)
        if parsed_args.read_only is not None:
            client.volumes.set_read_only(volume.id, read_only=parsed_args.read_only)
        if any(flag is not None for flag in flags.values()):
            volume = client.volumes.get(volume.id)
        return pairs(fields(volume, client))
