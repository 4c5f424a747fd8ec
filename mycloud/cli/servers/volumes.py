"""``mycloud server add volume|remove volume|swap volume|volume list``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud.cli import arguments
from mycloud.cli.columns import Optional
from mycloud.cli.command import Command, Lister, ShowOne, pairs
from mycloud.cli.progress import progress
from mycloud.cli.volumes import common
from mycloud.client import errors
from mycloud.common import states

if TYPE_CHECKING:
    from mycloud.client.server_volumes import ServerVolume


def _fields(held: "ServerVolume") -> dict[str, Any]:
    return {
        "volume_id": held.volume_id,
        "server_id": held.server_id,
        "device": Optional(held.device),
        "tag": Optional(held.tag),
        "delete_on_termination": Optional(held.delete_on_termination),
    }


class AddVolume(ShowOne):
    """Give a volume to a server"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="SERVER", help="name or id")
        parser.add_argument("volume", metavar="VOLUME", help="name or id")
        parser.add_argument(
            "--device", metavar="PATH", help="where the guest is asked to have it: /dev/vdb"
        )
        parser.add_argument("--tag", help="mark by which the guest finds it in its metadata")
        arguments.add_wait(parser, "the guest has it")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        server = client.servers.find(parsed_args.server)
        volume = client.volumes.find(parsed_args.volume)
        accepted = client.server_volumes.attach(
            server.id, volume.id, device=parsed_args.device, tag=parsed_args.tag
        )
        common.settle(self.app, client.volumes, accepted, parsed_args, [states.Vol.IN_USE])
        return pairs(_fields(client.server_volumes.get(server.id, volume.id)))


class RemoveVolume(Command):
    """Take a volume from a server"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="SERVER", help="name or id")
        parser.add_argument("volume", metavar="VOLUME", help="name or id")
        arguments.add_wait(parser, "the guest has let it go")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        client = self.client
        server = client.servers.find(parsed_args.server)
        volume = client.volumes.find(parsed_args.volume)
        accepted = client.server_volumes.detach(server.id, volume.id)
        if not parsed_args.wait:
            common.tell(self.app, accepted)
            return
        with progress(self.app.stderr, quiet=self.app.quiet) as shown:
            client.server_volumes.wait_detached(
                server.id, accepted, timeout=parsed_args.timeout, on_change=shown.show
            )
            # a shared one stays in use by others
            client.volumes.wait(accepted, timeout=parsed_args.timeout)


class SwapVolume(Command):
    """Put another volume in the place of one, with its bytes, while the guest runs

    For administrators; the old volume is free afterwards.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="SERVER", help="name or id")
        parser.add_argument("volume", metavar="VOLUME", help="that it has (name or id)")
        parser.add_argument("new_volume", metavar="NEW", help="in its place (name or id)")
        arguments.add_wait(parser, "the guest has the other one")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        client = self.client
        accepted = client.server_volumes.swap(
            client.servers.find(parsed_args.server).id,
            client.volumes.find(parsed_args.volume).id,
            client.volumes.find(parsed_args.new_volume).id,
        )
        common.settle(self.app, client.volumes, accepted, parsed_args, [states.Vol.IN_USE])


class ListVolumes(Lister):
    """List the volumes of a server"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="SERVER", help="name or id")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        held = client.server_volumes.list(client.servers.find(parsed_args.server).id)
        columns = ("Device", "Volume ID", "Name", "Size", "Tag", "Delete on termination")
        return columns, [self._row(one) for one in held]

    def _row(self, held: "ServerVolume") -> tuple[Any, ...]:
        try:
            volume = self.client.volumes.get(held.volume_id)
            name, size = volume.name, volume.size
        except errors.ApiError:
            # what the server tells is shown all the same
            name, size = "", None
        return (
            Optional(held.device),
            held.volume_id,
            name,
            Optional(size),
            Optional(held.tag),
            Optional(held.delete_on_termination),
        )
