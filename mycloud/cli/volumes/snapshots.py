"""``mycloud volume snapshot``."""

import argparse
import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud.cli import arguments
from mycloud.cli.columns import Optional, Pairs
from mycloud.cli.command import Command, Lister, ShowFound, ShowOne, pairs
from mycloud.cli.exits import UsageError
from mycloud.cli.volumes import common

if TYPE_CHECKING:
    from mycloud.client.block_storage import BlockStorage
    from mycloud.client.snapshots import Snapshot


def _fields(snapshot: "Snapshot") -> dict[str, Any]:
    return {
        "id": snapshot.id,
        "name": snapshot.name,
        "status": snapshot.status,
        "size": snapshot.size,
        "volume_id": snapshot.volume_id,
        "description": Optional(snapshot.description),
        "properties": Pairs(snapshot.metadata),
        "progress": Optional(snapshot.progress),
        "project_id": Optional(snapshot.project_id),
        "created_at": Optional(snapshot.created_at),
        "updated_at": Optional(snapshot.updated_at),
    }


class CreateSnapshot(ShowOne):
    """Keep what a volume is now

    Of an attached volume it is what a power failure would leave; where the guest's agent runs,
    its file systems are at rest.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME", help="what to call it")
        parser.add_argument(
            "--volume",
            metavar="VOLUME",
            help="of which volume (name or id; default: the one of that name)",
        )
        parser.add_argument(
            "--force", action="store_true", help="also while the volume is attached"
        )
        parser.add_argument("--description", help="a text about it")
        arguments.add_properties(parser, "metadata")
        arguments.add_wait(parser, "it is available")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        volume = client.volumes.find(parsed_args.volume or parsed_args.name)
        accepted = client.snapshots.create(
            volume.id,
            name=parsed_args.name,
            description=parsed_args.description,
            metadata=dict(parsed_args.properties),
            force=parsed_args.force,
        )
        return pairs(_fields(common.settle(self.app, client.snapshots, accepted, parsed_args)))


class ListSnapshots(Lister):
    """List the snapshots of volumes"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        common.add_filters(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        filters = common.filters(self.client, parsed_args)
        columns: tuple[str, ...] = ("ID", "Name", "Status", "Size", "Volume ID")
        if parsed_args.long:
            columns += ("Created", "Description", "Properties")
        rows = []
        listed = self.client.snapshots.list(**filters)
        for snapshot in itertools.islice(listed, parsed_args.limit):
            row: tuple[Any, ...] = (
                snapshot.id, snapshot.name, snapshot.status, snapshot.size, snapshot.volume_id,
            )  # fmt: skip
            if parsed_args.long:
                row += (
                    Optional(snapshot.created_at),
                    Optional(snapshot.description),
                    Pairs(snapshot.metadata),
                )
            rows.append(row)
        return columns, rows


class ShowSnapshot(ShowFound):
    """Show one snapshot"""

    noun = "snapshot"

    def found(self, name: str) -> dict[str, Any]:
        """The fields to show."""
        return _fields(self.client.snapshots.find(name))


class SetSnapshot(Command):
    """Change a snapshot's name, description or metadata"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("snapshot", metavar="SNAPSHOT", help="name or id")
        common.add_changes(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        changes = common.changes(parsed_args)
        snapshots = self.client.snapshots
        snapshot = snapshots.find(parsed_args.snapshot)
        if changes:
            snapshots.update(snapshot.id, **changes)
        if parsed_args.properties:
            snapshots.set_metadata(snapshot.id, dict(parsed_args.properties))
        if parsed_args.status:
            snapshots.reset_status(snapshot.id, parsed_args.status)


class UnsetSnapshot(Command):
    """Remove a snapshot's metadata"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("snapshot", metavar="SNAPSHOT", help="name or id")
        arguments.add_unset_properties(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if not parsed_args.properties:
            raise UsageError("Nothing to remove: give --property")
        snapshots = self.client.snapshots
        snapshot = snapshots.find(parsed_args.snapshot)
        for key in parsed_args.properties:
            snapshots.unset_metadata(snapshot.id, key)


class DeleteSnapshot(common.DeleteSettling):
    """Delete snapshots; the volume and its copies go on"""

    metavar = "SNAPSHOT"

    def collection(self) -> "BlockStorage[Any]":
        """The snapshots."""
        return self.client.snapshots
