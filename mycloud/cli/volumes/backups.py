"""``mycloud volume backup``."""

import argparse
import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud import client as library
from mycloud.cli import arguments
from mycloud.cli.columns import Optional, Pairs
from mycloud.cli.command import Command, Lister, ShowFound, ShowOne, pairs
from mycloud.cli.progress import progress
from mycloud.cli.volumes import common
from mycloud.cli.volumes.show import fields as volume_fields

if TYPE_CHECKING:
    from mycloud.client.backups import Backup
    from mycloud.client.block_storage import BlockStorage


def _fields(backup: "Backup") -> dict[str, Any]:
    return {
        "id": backup.id,
        "name": backup.name,
        "status": backup.status,
        "fail_reason": Optional(backup.fail_reason),
        "size": backup.size,
        "volume_id": backup.volume_id,
        "snapshot_id": Optional(backup.snapshot_id),
        "incremental": backup.is_incremental,
        "has_dependent_backups": backup.has_dependents,
        "object_count": backup.object_count,
        "container": Optional(backup.container),
        "availability_zone": Optional(backup.availability_zone),
        "description": Optional(backup.description),
        "properties": Pairs(backup.metadata),
        "created_at": Optional(backup.created_at),
        "updated_at": Optional(backup.updated_at),
    }


class CreateBackup(ShowOne):
    """Back a volume up"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("volume", metavar="VOLUME", help="name or id")
        parser.add_argument("--name", help="what to call it")
        parser.add_argument("--description", help="a text about it")
        parser.add_argument(
            "--snapshot", metavar="SNAPSHOT", help="back up what the volume was at this snapshot"
        )
        parser.add_argument(
            "--incremental",
            action="store_true",
            help="only what has changed since the last backup",
        )
        parser.add_argument(
            "--force", action="store_true", help="also while the volume is attached"
        )
        parser.add_argument(
            "--container", metavar="NAME", help="part of the repository to keep it in"
        )
        arguments.add_properties(parser, "metadata")
        arguments.add_wait(parser, "it is available")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        snapshot_id = None
        if parsed_args.snapshot:
            snapshot_id = client.snapshots.find(parsed_args.snapshot).id
        accepted = client.backups.create(
            library.NewBackup(
                volume_id=client.volumes.find(parsed_args.volume).id,
                name=parsed_args.name,
                description=parsed_args.description,
                snapshot_id=snapshot_id,
                container=parsed_args.container,
                metadata=dict(parsed_args.properties),
                incremental=parsed_args.incremental,
                force=parsed_args.force,
            )
        )
        return pairs(_fields(common.settle(self.app, client.backups, accepted, parsed_args)))


class ListBackups(Lister):
    """List the backups of volumes"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        common.add_filters(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        filters = common.filters(self.client, parsed_args)
        columns: tuple[str, ...] = (
            "ID", "Name", "Status", "Size", "Incremental", "Volume ID", "Created",
        )  # fmt: skip
        if parsed_args.long:
            columns += ("Snapshot ID", "Objects", "Container", "Description", "Reason")
        rows = []
        for backup in itertools.islice(self.client.backups.list(**filters), parsed_args.limit):
            row: tuple[Any, ...] = (
                backup.id, backup.name, backup.status, backup.size, backup.is_incremental,
                backup.volume_id, Optional(backup.created_at),
            )  # fmt: skip
            if parsed_args.long:
                row += (
                    Optional(backup.snapshot_id),
                    backup.object_count,
                    Optional(backup.container),
                    Optional(backup.description),
                    Optional(backup.fail_reason),
                )
            rows.append(row)
        return columns, rows


class ShowBackup(ShowFound):
    """Show one backup"""

    noun = "backup"

    def found(self, name: str) -> dict[str, Any]:
        """The fields to show."""
        return _fields(self.client.backups.find(name))


class SetBackup(Command):
    """Change a backup's name, description or metadata"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("backup", metavar="BACKUP", help="name or id")
        common.add_changes(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        changes = common.changes(parsed_args)
        backups = self.client.backups
        backup = backups.find(parsed_args.backup)
        if parsed_args.properties:
            # block storage takes all of it at once
            changes["metadata"] = {**backup.metadata, **dict(parsed_args.properties)}
        if changes:
            backups.update(backup.id, **changes)
        if parsed_args.status:
            backups.reset_status(backup.id, parsed_args.status)


class DeleteBackup(common.DeleteSettling):
    """Delete backups"""

    metavar = "BACKUP"

    def collection(self) -> "BlockStorage[Any]":
        """The backups."""
        return self.client.backups


class RestoreBackup(ShowOne):
    """Write a backup to a volume: a new one, unless one is named

    What is on a volume that is named is replaced.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("backup", metavar="BACKUP", help="name or id")
        parser.add_argument(
            "volume",
            nargs="?",
            metavar="VOLUME",
            help="where to (name or id; default: a new volume)",
        )
        parser.add_argument("--name", help="what to call the new volume")
        arguments.add_wait(parser, "it is done")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        backup = client.backups.find(parsed_args.backup)
        volume_id = None
        if parsed_args.volume:
            volume_id = client.volumes.find(parsed_args.volume).id
        accepted, restored = client.backups.restore(
            backup.id, volume_id=volume_id, name=parsed_args.name
        )
        if parsed_args.wait:
            with progress(self.app.stderr, quiet=self.app.quiet) as shown:
                client.backups.wait(
                    accepted, timeout=parsed_args.timeout, on_change=shown.show
                )
        else:
            common.tell(self.app, accepted)
        return pairs(volume_fields(client.volumes.get(restored), client))


class ExportRecord(ShowOne):
    """Show what a cloud without its database needs to find a backup again (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("backup", metavar="BACKUP", help="name or id")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        backups = self.client.backups
        service, record = backups.export_record(backups.find(parsed_args.backup).id)
        return pairs({"backup_service": service, "metadata": record})


class ImportRecord(ShowOne):
    """Take a backup by its record (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "service", metavar="SERVICE", help="its backup_service, as the export showed it"
        )
        parser.add_argument(
            "record", metavar="METADATA", help="its metadata, as the export showed it"
        )
        arguments.add_wait(parser, "it is available")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        backups = self.client.backups
        accepted = backups.import_record(parsed_args.service, parsed_args.record)
        return pairs(_fields(common.settle(self.app, backups, accepted, parsed_args)))
