"""``mycloud volume manage|unmanage|manageable list``: disks that lie on a backend already."""

import argparse
import json
from collections.abc import Iterable, Sequence
from typing import Any

from mycloud.cli import arguments
from mycloud.cli.columns import Optional
from mycloud.cli.command import Command, Lister, ShowOne, pairs
from mycloud.cli.progress import progress
from mycloud.cli.volumes import common
from mycloud.cli.volumes.show import fields
from mycloud.common import states

_HOST_HELP = "where it lies, as 'mycloud volume pool list' shows it"


class ManageVolume(ShowOne):
    """Take a disk that lies on a backend already as a volume (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST@BACKEND#POOL", help=_HOST_HELP)
        parser.add_argument("source", metavar="SOURCE", help="what the backend calls it")
        parser.add_argument("name", nargs="?", metavar="NAME", help="what to call the volume")
        parser.add_argument("--type", metavar="TYPE", help="its type (name or id)")
        parser.add_argument("--description", help="a text about it")
        parser.add_argument(
            "--bootable", action="store_true", help="let servers boot from it"
        )
        arguments.add_properties(parser, "metadata")
        arguments.add_wait(parser, "it is available")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        wanted = arguments.given(parsed_args, ("name", "description"))
        if parsed_args.type:
            wanted["volume_type"] = client.volume_types.find(parsed_args.type).id
        if parsed_args.bootable:
            wanted["bootable"] = True
        if parsed_args.properties:
            wanted["metadata"] = dict(parsed_args.properties)
        accepted = client.volumes.manage(parsed_args.host, parsed_args.source, wanted)
        volume = common.settle(
            self.app, client.volumes, accepted, parsed_args, [states.Vol.AVAILABLE]
        )
        return pairs(fields(volume, client))


class UnmanageVolume(Command):
    """Forget volumes and leave their bytes on their backends (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("volumes", nargs="+", metavar="VOLUME", help="name or id")
        arguments.add_wait(parser, "it is forgotten")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        return self.each(
            parsed_args.volumes, lambda name: self._unmanage(name, parsed_args)
        )

    def _unmanage(self, name: str, parsed_args: argparse.Namespace) -> None:
        volumes = self.client.volumes
        accepted = volumes.act(volumes.find(name).id, "os-unmanage", {})
        if not parsed_args.wait:
            common.tell(self.app, accepted)
            return
        with progress(self.app.stderr, quiet=self.app.quiet) as shown:
            volumes.wait_deleted(
                accepted, timeout=parsed_args.timeout, on_change=shown.show
            )


class ListManageable(Lister):
    """List the disks of a backend, and which could be taken as volumes (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST@BACKEND#POOL", help=_HOST_HELP)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        return ("Source", "Size", "Safe", "Volume ID", "Reason"), [
            (
                one.source if one.source is not None else json.dumps(one.reference),
                one.size,
                one.safe,
                Optional(one.volume_id),
                Optional(one.reason),
            )
            for one in self.client.volumes.manageable(parsed_args.host)
        ]
