"""``mycloud server create``."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mycloud import client as library
from mycloud.cli import arguments
from mycloud.cli.command import ShowOne, pairs
from mycloud.cli.exits import UsageError
from mycloud.cli.progress import progress
from mycloud.cli.servers import disks
from mycloud.cli.servers.show import fields

if TYPE_CHECKING:
    from mycloud.client.servers import Server

#: What the compute API takes, in bytes before the base64.
_LONGEST_USER_DATA = 65535 * 3 // 4


class CreateServer(ShowOne):
    """Create a server

    With --count above 1, servers NAME-1, NAME-2, ... are made and the first is shown.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME", help="what to call it")
        parser.add_argument(
            "--flavor", required=True, metavar="FLAVOR", help="its size (name or id)"
        )
        disks.add_options(parser)
        parser.add_argument("--key-name", metavar="KEYPAIR", help="key pair to put into it")
        parser.add_argument("--description", help="a text about it")
        parser.add_argument(
            "--user-data", metavar="FILE", help="file for the guest's cloud-init"
        )
        parser.add_argument(
            "--config-drive", action="store_true", help="give it a drive with its metadata"
        )
        parser.add_argument("--availability-zone", metavar="ZONE", help="zone to run in")
        parser.add_argument(
            "--host", metavar="HOST", help="host to run on (administrators)"
        )
        parser.add_argument(
            "--hint",
            dest="hints",
            action="append",
            default=[],
            type=arguments.key_value,
            metavar="KEY=VALUE",
            help="hint for the scheduler, such as group=ID (can be repeated)",
        )
        parser.add_argument(
            "--count",
            type=arguments.whole_number(1),
            default=1,
            metavar="N",
            help="make so many (default: 1)",
        )
        arguments.add_properties(parser, "metadata")
        arguments.add_tags(parser, "tag")
        arguments.add_wait(parser, "it is active")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        disks.check(parsed_args)
        user_data = _read_user_data(parsed_args.user_data)
        client = self.client
        image_id, devices = disks.image_and_devices(client, parsed_args)
        new = library.NewServer(
            name=parsed_args.name,
            flavor_id=client.flavors.find(parsed_args.flavor).id,
            image_id=image_id,
            block_devices=devices,
            key_name=parsed_args.key_name,
            availability_zone=parsed_args.availability_zone,
            host=parsed_args.host,
            metadata=dict(parsed_args.properties),
            tags=parsed_args.tags,
            description=parsed_args.description,
            user_data=user_data,
            config_drive=parsed_args.config_drive,
            hints=dict(parsed_args.hints),
            count=parsed_args.count,
        )
        accepted = client.servers.create(new)
        server: Server | None = None
        if parsed_args.wait:
            with progress(self.app.stderr, quiet=self.app.quiet) as shown:
                for one in reversed(accepted):
                    server = client.servers.wait(
                        one, timeout=parsed_args.timeout, on_change=shown.show
                    )
        elif accepted[0].operation_id:
            self.app.tell(
                f"accepted; follow it with: mycloud operation show {accepted[0].operation_id}"
            )
        server = server or client.servers.get(accepted[0].resource_id)
        return pairs(fields(server, client))


def _read_user_data(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"--user-data {path}: {error.strerror}") from error
    if len(content) > _LONGEST_USER_DATA:
        raise UsageError(
            f"--user-data {path} has {len(content)} bytes; at most {_LONGEST_USER_DATA} are "
            "taken. Have it fetch the rest by itself"
        )
    return content
