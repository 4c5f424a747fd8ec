"""``mycloud volume export|import``: volumes as plain files.

The bytes go by way of an image, which is made for that and deleted afterwards, whatever happens.
"""

import argparse
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from mycloud import client as library
from mycloud.cli import arguments
from mycloud.cli.command import Command, ShowOne, pairs
from mycloud.cli.exits import UsageError
from mycloud.cli.progress import progress
from mycloud.cli.volumes import common
from mycloud.cli.volumes.create import gib
from mycloud.cli.volumes.show import fields
from mycloud.client import defaults, errors
from mycloud.common import states

if TYPE_CHECKING:
    from mycloud.cli.app import MycloudApp
    from mycloud.client.connection import Client
    from mycloud.client.volumes import Volume

_FORMATS = ("raw", "qcow2")
#: Where a qcow2 file tells the size of the disk in it: offset and length.
_QCOW2_SIZE = slice(24, 32)
#: Bytes that are a hole or are not.
_HOLE = 64 << 10


class _Sparse:
    """A file in which stretches of zeros become holes."""

    def __init__(self, file: BinaryIO):
        self._file = file

    def write(self, block: bytes) -> int:
        for start in range(0, len(block), _HOLE):
            piece = block[start : start + _HOLE]
            if piece.count(0) == len(piece):
                self._file.seek(len(piece), 1)
            else:
                self._file.write(piece)
        return len(block)

    def finish(self) -> None:
        """Give it the length that its last bytes have, also if those are zeros."""
        self._file.truncate(self._file.tell())


class ExportVolume(Command):
    """Write a volume to a file"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("volume", metavar="VOLUME", help="name or id")
        parser.add_argument(
            "file", metavar="FILE", help="where to; an existing file is replaced"
        )
        parser.add_argument(
            "--disk-format",
            choices=_FORMATS,
            help="format of the file (default: qcow2 if its name ends with that, else raw); "
            "qcow2 is much quicker for a volume that is mostly empty",
        )
        parser.add_argument(
            "--force", action="store_true", help="also while it is attached, if the cloud lets you"
        )
        _add_timeout(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        target = Path(parsed_args.file)
        # what is there stays until all bytes have come and are right
        partial = target.with_name(f"{target.name}.part")
        try:
            with partial.open("wb") as file:
                self._export(file, parsed_args)
            partial.replace(target)
        except OSError as error:
            raise UsageError(f"{target}: {error.strerror}") from error
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

    def _export(self, file: BinaryIO, parsed_args: argparse.Namespace) -> None:
        client = self.client
        volume = client.volumes.find(parsed_args.volume)
        accepted, image_id = client.volumes.upload(
            volume.id,
            f"export of {volume.name or volume.id}",
            disk_format=parsed_args.disk_format or _by_name(parsed_args.file),
            force=parsed_args.force,
        )
        with _passing(self.app, client, image_id):
            timeout = parsed_args.timeout
            with progress(self.app.stderr, quiet=self.app.quiet) as shown:
                client.volumes.wait(accepted, timeout=timeout, on_change=shown.show)
                image = client.images.wait(image_id, timeout=timeout)
                sparse = _Sparse(file)
                client.images.download(
                    image_id,
                    sparse,
                    progress=lambda done: shown.bytes_done(done, image.size),
                )
                sparse.finish()


def _by_name(path: str) -> str:
    """The format that a file's name tells."""
    suffix = Path(path).suffix[1:]
    return suffix if suffix in _FORMATS else "raw"


class ImportVolume(ShowOne):
    """Make a volume of a file"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("file", metavar="FILE", help="its bytes, raw or qcow2")
        parser.add_argument("name", metavar="NAME", help="what to call it")
        parser.add_argument(
            "--size",
            type=common.size,
            metavar="GIB",
            help="its size in GiB (default: as large as the disk in the file)",
        )
        parser.add_argument(
            "--disk-format",
            choices=_FORMATS,
            help="format of the file (default: what its first bytes show)",
        )
        parser.add_argument("--type", metavar="TYPE", help="its type (name or id)")
        parser.add_argument("--description", help="a text about it")
        parser.add_argument("--availability-zone", metavar="ZONE", help="zone to lie in")
        arguments.add_properties(parser, "metadata")
        _add_timeout(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        path = Path(parsed_args.file)
        try:
            with path.open("rb") as file:
                if not file.seekable():
                    raise UsageError(f"{path} is no plain file; write it to one first")
                disk_format = parsed_args.disk_format or library.guess_disk_format(file)
                if disk_format not in _FORMATS:
                    raise UsageError(
                        f"{path} is {disk_format}; make it raw or qcow2 with 'qemu-img convert'"
                    )
                size = parsed_args.size or gib(max(1, disk_size(file, disk_format)))
                volume = self._import(file, disk_format, size, parsed_args)
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from error
        return pairs(fields(volume, self.client))

    def _import(
        self, file: BinaryIO, disk_format: str, size: int, parsed_args: argparse.Namespace
    ) -> "Volume":
        client = self.client
        type_id = None
        if parsed_args.type:
            type_id = client.volume_types.find(parsed_args.type).id
        total = Path(file.name).stat().st_size
        image = client.images.create(
            library.NewImage(name=f"import of {parsed_args.name}", disk_format=disk_format)
        )
        with (
            _passing(self.app, client, image.id),
            progress(self.app.stderr, quiet=self.app.quiet) as shown,
        ):
            client.images.upload(
                image.id, file, progress=lambda done: shown.bytes_done(done, total)
            )
            accepted = client.volumes.create(
                library.NewVolume(
                    size=size,
                    name=parsed_args.name,
                    description=parsed_args.description,
                    type=type_id,
                    image_id=image.id,
                    availability_zone=parsed_args.availability_zone,
                    metadata=dict(parsed_args.properties),
                )
            )
            try:
                return client.volumes.wait(
                    accepted,
                    status=[states.Vol.AVAILABLE],
                    timeout=parsed_args.timeout,
                    on_change=shown.show,
                )
            except (errors.OperationFailed, errors.ResourceFailed):
                # nobody wants half a disk: leave nothing behind
                with _telling(self.app, f"volume {accepted.resource_id} is left behind"):
                    client.volumes.delete(accepted.resource_id)
                raise


def disk_size(file: BinaryIO, disk_format: str) -> int:
    """The bytes of the disk in a file, which then stands at its start.

    :raises UsageError: for a qcow2 file that ends too soon
    """
    file.seek(0)
    if disk_format == "qcow2":
        field = file.read(_QCOW2_SIZE.stop)[_QCOW2_SIZE]
        if len(field) < _QCOW2_SIZE.stop - _QCOW2_SIZE.start:
            raise UsageError(f"{file.name} is no whole qcow2 file")
        size = int.from_bytes(field, "big")
    else:
        size = file.seek(0, 2)
    file.seek(0)
    return size


def _add_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        type=arguments.seconds,
        default=defaults.WAIT_TIMEOUT,
        metavar="SECONDS",
        help="wait that long at most for the cloud to copy (default: %(default)g)",
    )


@contextlib.contextmanager
def _passing(app: "MycloudApp", client: "Client", image_id: str) -> Iterator[None]:
    """Delete the image at the end, also when that comes by an interruption."""
    try:
        yield
    finally:
        with _telling(app, f"image {image_id} is left behind"):
            client.images.delete(image_id)


@contextlib.contextmanager
def _telling(app: "MycloudApp", what: str) -> Iterator[None]:
    """Tell of an error while cleaning up; it must not hide the first one."""
    try:
        yield
    except errors.NotFound:
        # the cloud has cleaned up itself
        return
    except errors.ClientError as error:
        app.tell(f"{what}: {error}")
