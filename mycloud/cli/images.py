"""``mycloud image``."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from mycloud import client as library
from mycloud.cli import arguments
from mycloud.cli.columns import Bytes, Names, Optional, Pairs
from mycloud.cli.command import Command, Lister, ShowFound, ShowOne, pairs
from mycloud.cli.exits import UsageError
from mycloud.cli.progress import progress
from mycloud.client import errors
from mycloud.common import states

if TYPE_CHECKING:
    from mycloud.client.images import Image

_VISIBILITIES = tuple(visibility.value for visibility in states.Visibility)
_DISK_FORMATS = ("raw", "qcow2", "iso", "vmdk", "vdi", "vhd", "vhdx", "ami", "aki", "ari")
_PIPE = "-"


def _fields(image: "Image") -> dict[str, Any]:
    return {
        "id": image.id,
        "name": image.name,
        "status": image.status,
        "visibility": image.visibility,
        "size": Bytes(image.size),
        "disk_format": Optional(image.disk_format),
        "container_format": Optional(image.container_format),
        "min_disk": image.min_disk,
        "min_ram": image.min_ram,
        "protected": image.protected,
        "hash": f"{image.hash_algorithm}:{image.hash_value}" if image.hash_value else "",
        "owner": Optional(image.owner),
        "properties": Pairs(image.properties),
        "tags": Names(image.tags),
        "created_at": image.created_at,
        "updated_at": image.updated_at,
    }


def _add_attributes(parser: argparse.ArgumentParser) -> None:
    """Options of both create and set."""
    visibility = parser.add_mutually_exclusive_group()
    for name in _VISIBILITIES:
        visibility.add_argument(
            f"--{name}",
            dest="visibility",
            action="store_const",
            const=name,
            help=f"make it {name}",
        )
    arguments.add_switch(
        parser,
        "protected",
        ("protected", "let nobody delete it"),
        ("unprotected", "let it be deleted"),
    )
    for option, unit in (("--min-disk", "GiB"), ("--min-ram", "MiB")):
        parser.add_argument(
            option,
            type=arguments.whole_number(0, unit),
            metavar="N",
            help=f"only for flavors with so many {unit}",
        )
    arguments.add_properties(parser, "property")
    arguments.add_tags(parser, "tag")


class CreateImage(ShowOne):
    """Create an image, and fill it from a file"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME", help="what to call it")
        parser.add_argument(
            "--file", metavar="FILE", help="its bytes; - reads standard input"
        )
        parser.add_argument(
            "--disk-format",
            choices=_DISK_FORMATS,
            help="format of the bytes (default: what the file shows, else raw)",
        )
        parser.add_argument(
            "--container-format", default="bare", metavar="FORMAT", help="(default: bare)"
        )
        parser.add_argument("--id", help="its id (default: one is made)")
        _add_attributes(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        file = _open_source(parsed_args.file)
        try:
            image = self.client.images.create(
                library.NewImage(
                    name=parsed_args.name,
                    disk_format=parsed_args.disk_format or library.guess_disk_format(file),
                    container_format=parsed_args.container_format,
                    visibility=parsed_args.visibility,
                    protected=bool(parsed_args.protected),
                    min_disk=parsed_args.min_disk or 0,
                    min_ram=parsed_args.min_ram or 0,
                    tags=parsed_args.tags,
                    properties=dict(parsed_args.properties),
                    id=parsed_args.id,
                )
            )
            if file is not None:
                image = self._fill(image, file)
        finally:
            if file is not None and file is not sys.stdin.buffer:
                file.close()
        return pairs(_fields(image))

    def _fill(self, image: "Image", file: BinaryIO) -> "Image":
        total = Path(file.name).stat().st_size if file.seekable() else None
        try:
            with progress(self.app.stderr, quiet=self.app.quiet) as shown:
                return self.client.images.upload(
                    image.id, file, progress=lambda done: shown.bytes_done(done, total)
                )
        except errors.ClientError as error:
            # nobody can boot from half an image: leave nothing behind
            self._drop(image)
            raise error

    def _drop(self, image: "Image") -> None:
        try:
            if image.protected:
                self.client.images.update(image.id, {"protected": False})
            self.client.images.delete(image.id)
        except errors.ClientError as error:
            self.app.tell(f"image {image.id} is left behind without bytes: {error}")


def _open_source(path: str | None) -> BinaryIO | None:
    if path is None:
        return None
    if path == _PIPE:
        return sys.stdin.buffer
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise UsageError(f"--file {path}: {error.strerror}") from error


class ListImages(Lister):
    """List the images that servers can be booted from"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--name", help="only those called that")
        parser.add_argument("--status", help="only with this status, such as active")
        parser.add_argument("--tag", help="only with this tag")
        visibility = parser.add_mutually_exclusive_group()
        for name in _VISIBILITIES:
            visibility.add_argument(
                f"--{name}",
                dest="visibility",
                action="store_const",
                const=name,
                help=f"only {name} ones",
            )
        parser.add_argument("--long", action="store_true", help="show more columns")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        filters = arguments.given(parsed_args, ("name", "status", "tag", "visibility"))
        columns: tuple[str, ...] = ("ID", "Name", "Status", "Size")
        if parsed_args.long:
            columns += ("Disk Format", "Visibility", "Protected", "Project", "Tags")
        rows = []
        for image in self.client.images.list(**filters):
            row: tuple[Any, ...] = (image.id, image.name, image.status, Bytes(image.size))
            if parsed_args.long:
                row += (
                    Optional(image.disk_format),
                    image.visibility,
                    image.protected,
                    Optional(image.owner),
                    Names(image.tags),
                )
            rows.append(row)
        return columns, rows


class ShowImage(ShowFound):
    """Show one image"""

    noun = "image"

    def found(self, name: str) -> dict[str, Any]:
        """The fields to show."""
        return _fields(self.client.images.find(name))


class DeleteImage(Command):
    """Delete images; servers that were booted from them go on"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("images", nargs="+", metavar="IMAGE", help="name or id")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        images = self.client.images
        return self.each(parsed_args.images, lambda name: images.delete(images.find(name).id))


class SetImage(Command):
    """Change an image's name, visibility, limits, properties or tags"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="IMAGE", help="name or id")
        parser.add_argument("--name", help="new name")
        _add_attributes(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        names = ("name", "visibility", "protected", "min_disk", "min_ram")
        changes = arguments.given(parsed_args, names) | dict(parsed_args.properties)
        if not changes and not parsed_args.tags:
            raise UsageError("Nothing to change: give at least one option, such as --name")
        images = self.client.images
        image = images.find(parsed_args.image)
        if changes:
            images.update(image.id, changes)
        for tag in parsed_args.tags:
            images.add_tag(image.id, tag)


class UnsetImage(Command):
    """Remove an image's properties or tags"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="IMAGE", help="name or id")
        arguments.add_unset_properties(parser)
        arguments.add_tags(parser, "tag to remove")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if not (parsed_args.properties or parsed_args.tags):
            raise UsageError("Nothing to remove: give --property or --tag")
        images = self.client.images
        image = images.find(parsed_args.image)
        missing = [key for key in parsed_args.properties if key not in image.properties]
        if missing:
            raise UsageError(f"Image {image.name} has no property {', '.join(missing)}")
        if parsed_args.properties:
            images.update(image.id, {}, remove=parsed_args.properties)
        for tag in parsed_args.tags:
            images.remove_tag(image.id, tag)


class SaveImage(Command):
    """Write an image's bytes to a file"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="IMAGE", help="name or id")
        parser.add_argument(
            "--file",
            required=True,
            metavar="FILE",
            help="where to; - writes to standard output. An existing file is replaced",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        images = self.client.images
        image = images.find(parsed_args.image)
        if parsed_args.file == _PIPE:
            images.download(image.id, sys.stdout.buffer)
            return
        target = Path(parsed_args.file)
        # what is there stays until all bytes have come and are right
        partial = target.with_name(f"{target.name}.part")
        try:
            with partial.open("wb") as file:
                with progress(self.app.stderr, quiet=self.app.quiet) as shown:
                    images.download(
                        image.id,
                        file,
                        progress=lambda done: shown.bytes_done(done, image.size),
                    )
            partial.replace(target)
        except OSError as error:
            raise UsageError(f"--file {target}: {error.strerror}") from error
        finally:
            partial.unlink(missing_ok=True)
