"""``mycloud volume set|unset|delete|extend|migrate|revert``."""

import argparse
from typing import TYPE_CHECKING, Any

from mycloud.cli import arguments
from mycloud.cli.command import Command
from mycloud.cli.exits import UsageError
from mycloud.cli.volumes import common
from mycloud.cli.volumes.create import add_flags
from mycloud.common import states

if TYPE_CHECKING:
    from mycloud.client.block_storage import BlockStorage
    from mycloud.client.resource import Accepted
    from mycloud.client.volumes import Volume

#: option of retyping -> whether the volume may move for it
_POLICIES = {"never": False, "on-demand": True}
_CHANGES = (
    "name", "description", "size", "bootable", "read_only", "type", "status", "properties",
    "image_properties", "no_property",
)  # fmt: skip


class SetVolume(Command):
    """Change a volume: name, size, type, properties, what may be done with it"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("volume", metavar="VOLUME", help="name or id")
        parser.add_argument("--name", help="new name")
        parser.add_argument("--description", help="new text about it")
        parser.add_argument(
            "--size", type=common.size, metavar="GIB", help="let it grow to that many GiB"
        )
        parser.add_argument("--type", metavar="TYPE", help="new type (name or id)")
        parser.add_argument(
            "--retype-policy",
            choices=sorted(_POLICIES),
            help="whether it may move to another backend for its new type (default: never)",
        )
        add_flags(parser)
        parser.add_argument(
            "--no-property", action="store_true", help="remove all metadata that it has"
        )
        arguments.add_properties(parser, "metadata to add or change")
        parser.add_argument(
            "--image-property",
            dest="image_properties",
            action="append",
            default=[],
            type=arguments.key_value,
            metavar="KEY=VALUE",
            help="what a server that boots from it is told of its image (can be repeated)",
        )
        parser.add_argument(
            "--state",
            dest="status",
            metavar="STATUS",
            help="declare that it has this status, whatever is true (administrators)",
        )
        arguments.add_wait(parser, "it has its new size or type")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        given = vars(parsed_args)
        if not any(given[name] not in (None, [], False) for name in _CHANGES) and (
            parsed_args.bootable is None and parsed_args.read_only is None
        ):
            raise UsageError("Nothing to change: give at least one option, such as --size")
        if parsed_args.retype_policy and not parsed_args.type:
            raise UsageError("--retype-policy goes with --type")
        volume = self.client.volumes.find(parsed_args.volume)
        self._describe(volume, parsed_args)
        self._mark(volume.id, parsed_args)
        if parsed_args.size is not None:
            self._settle(self.client.volumes.extend(volume.id, parsed_args.size), parsed_args)
        if parsed_args.type:
            if parsed_args.size is not None and not parsed_args.wait:
                # one operation at a time on a volume
                raise UsageError("Both --size and --type were given: that needs --wait")
            self._retype(volume.id, parsed_args)

    def _describe(self, volume: "Volume", parsed_args: argparse.Namespace) -> None:
        volumes = self.client.volumes
        changes = arguments.given(parsed_args, ("name", "description"))
        if changes:
            volumes.update(volume.id, **changes)
        if parsed_args.no_property:
            for key in volume.metadata:
                volumes.unset_metadata(volume.id, key)
        if parsed_args.properties:
            volumes.set_metadata(volume.id, dict(parsed_args.properties))
        if parsed_args.image_properties:
            volumes.set_image_metadata(volume.id, dict(parsed_args.image_properties))

    def _mark(self, volume_id: str, parsed_args: argparse.Namespace) -> None:
        volumes = self.client.volumes
        if parsed_args.status:
            volumes.reset_status(volume_id, parsed_args.status)
        if parsed_args.bootable is not None:
            volumes.set_bootable(volume_id, bootable=parsed_args.bootable)
        if parsed_args.read_only is not None:
            volumes.set_read_only(volume_id, read_only=parsed_args.read_only)

    def _retype(self, volume_id: str, parsed_args: argparse.Namespace) -> None:
        client = self.client
        kind = client.volume_types.find(parsed_args.type)
        accepted = client.volumes.retype(
            volume_id, kind.id, migrate=_POLICIES[parsed_args.retype_policy or "never"]
        )
        self._settle(accepted, parsed_args)

    def _settle(self, accepted: "Accepted", parsed_args: argparse.Namespace) -> None:
        common.settle(self.app, self.client.volumes, accepted, parsed_args)


class UnsetVolume(Command):
    """Remove a volume's metadata"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("volume", metavar="VOLUME", help="name or id")
        arguments.add_unset_properties(parser)
        parser.add_argument(
            "--image-property",
            dest="image_properties",
            action="append",
            default=[],
            metavar="KEY",
            help="property of its image to forget (can be repeated)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if not (parsed_args.properties or parsed_args.image_properties):
            raise UsageError("Nothing to remove: give --property or --image-property")
        volumes = self.client.volumes
        volume = volumes.find(parsed_args.volume)
        for key in parsed_args.properties:
            volumes.unset_metadata(volume.id, key)
        for key in parsed_args.image_properties:
            volumes.unset_image_metadata(volume.id, key)


class DeleteVolume(common.DeleteSettling):
    """Delete volumes, with all that is on them"""

    metavar = "VOLUME"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--purge", action="store_true", help="delete its snapshots with it"
        )
        return parser

    def collection(self) -> "BlockStorage[Any]":
        """The volumes."""
        return self.client.volumes

    def begin(self, resource_id: str, parsed_args: argparse.Namespace) -> "Accepted":
        """Begin to delete one."""
        if parsed_args.purge and parsed_args.force:
            raise UsageError("Give either --force or --purge")
        if parsed_args.purge:
            return self.client.volumes.remove(resource_id, snapshots=True)
        return super().begin(resource_id, parsed_args)


class ExtendVolume(Command):
    """Let a volume grow"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("volume", metavar="VOLUME", help="name or id")
        parser.add_argument("size", type=common.size, metavar="GIB", help="new size in GiB")
        arguments.add_wait(parser, "it has that size")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        volumes = self.client.volumes
        volume = volumes.find(parsed_args.volume)
        accepted = volumes.extend(volume.id, parsed_args.size)
        common.settle(self.app, volumes, accepted, parsed_args)


class MigrateVolume(Command):
    """Move a volume to another backend (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("volume", metavar="VOLUME", help="name or id")
        parser.add_argument(
            "--host",
            required=True,
            metavar="HOST@BACKEND#POOL",
            help="where to, as 'mycloud volume pool list' shows it",
        )
        parser.add_argument(
            "--force-host-copy",
            action="store_true",
            help="copy its bytes, even where the backend could move it in a better way",
        )
        parser.add_argument(
            "--lock-volume",
            action="store_true",
            help="let nothing that its owner does end the move",
        )
        arguments.add_wait(parser, "it lies there")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        volumes = self.client.volumes
        volume = volumes.find(parsed_args.volume)
        accepted = volumes.migrate(
            volume.id,
            parsed_args.host,
            force_copy=parsed_args.force_host_copy,
            lock=parsed_args.lock_volume,
        )
        common.settle(self.app, volumes, accepted, parsed_args)


class RevertVolume(Command):
    """Make a volume again what it was at its newest snapshot; what came later is lost"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "snapshot", metavar="SNAPSHOT", help="newest snapshot of the volume (name or id)"
        )
        arguments.add_wait(parser, "it is done")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        client = self.client
        snapshot = client.snapshots.find(parsed_args.snapshot)
        accepted = client.volumes.revert(snapshot.volume_id, snapshot.id)
        common.settle(
            self.app, client.volumes, accepted, parsed_args, [states.Vol.AVAILABLE]
        )
