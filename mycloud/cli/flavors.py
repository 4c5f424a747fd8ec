"""``mycloud flavor``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud.cli import arguments
from mycloud.cli.columns import Names, Optional, Pairs
from mycloud.cli.command import Command, Lister, ShowFound, ShowOne, pairs
from mycloud.cli.exits import UsageError

if TYPE_CHECKING:
    from mycloud.client.connection import Client
    from mycloud.client.flavors import Flavor


def _fields(flavor: "Flavor", client: "Client") -> dict[str, Any]:
    fields = {
        "id": flavor.id,
        "name": flavor.name,
        "vcpus": flavor.vcpus,
        "ram": flavor.ram,
        "disk": flavor.disk,
        "ephemeral": flavor.ephemeral,
        "swap": flavor.swap,
        "public": flavor.is_public,
        "disabled": flavor.disabled,
        "description": Optional(flavor.description),
        "properties": Pairs(client.flavors.extra_specs(flavor.id)),
    }
    if not flavor.is_public:
        fields["projects"] = Names(client.flavors.access(flavor.id))
    return fields


class CreateFlavor(ShowOne):
    """Create a flavor"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME", help="what to call it")
        at_least_one, from_zero = arguments.whole_number(1), arguments.whole_number(0)
        for option, kind, default, text in (
            ("--vcpus", at_least_one, 1, "processors (default: 1)"),
            ("--ram", at_least_one, 256, "memory in MiB (default: 256)"),
            ("--disk", from_zero, 0, "root disk in GiB; 0: as large as the image (default: 0)"),
            ("--ephemeral", from_zero, None, "second disk in GiB (default: none)"),
            ("--swap", from_zero, None, "swap in MiB (default: none)"),
        ):
            parser.add_argument(option, type=kind, default=default, metavar="N", help=text)
        parser.add_argument("--id", help="its id (default: one is made)")
        parser.add_argument("--description", help="a text about it")
        arguments.add_switch(
            parser,
            "public",
            ("public", "for everybody (the default)"),
            ("private", "only for projects that are named"),
        )
        parser.add_argument(
            "--project", metavar="PROJECT", help="may use it, although it is private"
        )
        arguments.add_properties(parser, "what else it asks of a host")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        if parsed_args.project and parsed_args.public is not False:
            raise UsageError("--project is only for a flavor that is --private")
        client = self.client
        project = client.projects.find(parsed_args.project).id if parsed_args.project else None
        flavor = client.flavors.create(
            vars(parsed_args), is_public=parsed_args.public is not False
        )
        if parsed_args.properties:
            client.flavors.set_extra_specs(flavor.id, dict(parsed_args.properties))
        if project:
            client.flavors.add_access(flavor.id, project)
        return pairs(_fields(flavor, client))


class ListFlavors(Lister):
    """List the flavors"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--all", action="store_true", help="private ones, too")
        parser.add_argument("--private", action="store_true", help="only private ones")
        parser.add_argument("--long", action="store_true", help="show more columns")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        public = "None" if parsed_args.all else not parsed_args.private
        columns: tuple[str, ...] = ("ID", "Name", "VCPUs", "RAM", "Disk", "Public")
        if parsed_args.long:
            columns += ("Ephemeral", "Swap", "Description", "Properties")
        rows = []
        for flavor in self.client.flavors.list(is_public=public):
            row: tuple[Any, ...] = (
                flavor.id,
                flavor.name,
                flavor.vcpus,
                flavor.ram,
                flavor.disk,
                flavor.is_public,
            )
            if parsed_args.long:
                row += (
                    flavor.ephemeral,
                    flavor.swap,
                    Optional(flavor.description),
                    Pairs(self.client.flavors.extra_specs(flavor.id)),
                )
            rows.append(row)
        return columns, rows


class ShowFlavor(ShowFound):
    """Show one flavor"""

    noun = "flavor"

    def found(self, name: str) -> dict[str, Any]:
        """The fields to show."""
        return _fields(self.client.flavors.find(name), self.client)


class DeleteFlavor(Command):
    """Delete flavors; servers keep the size that they have"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("flavors", nargs="+", metavar="FLAVOR", help="name or id")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        flavors = self.client.flavors
        return self.each(parsed_args.flavors, lambda name: flavors.delete(flavors.find(name).id))


class SetFlavor(Command):
    """Change a flavor's description or properties, or let a project use it"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("flavor", metavar="FLAVOR", help="name or id")
        parser.add_argument("--description", help="new text about it")
        parser.add_argument("--project", metavar="PROJECT", help="may use it from now on")
        arguments.add_properties(parser, "what else it asks of a host")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        wanted = (parsed_args.description, parsed_args.project, parsed_args.properties or None)
        if wanted == (None, None, None):
            raise UsageError("Nothing to change: give --description, --property or --project")
        client = self.client
        flavor = client.flavors.find(parsed_args.flavor)
        if parsed_args.description is not None:
            client.flavors.update(flavor.id, description=parsed_args.description)
        if parsed_args.properties:
            client.flavors.set_extra_specs(flavor.id, dict(parsed_args.properties))
        if parsed_args.project:
            project = client.projects.find(parsed_args.project)
            client.flavors.add_access(flavor.id, project.id)


class UnsetFlavor(Command):
    """Remove a flavor's properties, or a project's right to use it"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("flavor", metavar="FLAVOR", help="name or id")
        parser.add_argument("--project", metavar="PROJECT", help="may no longer use it")
        arguments.add_unset_properties(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if not (parsed_args.project or parsed_args.properties):
            raise UsageError("Nothing to remove: give --property or --project")
        client = self.client
        flavor = client.flavors.find(parsed_args.flavor)
        for key in parsed_args.properties:
            client.flavors.unset_extra_spec(flavor.id, key)
        if parsed_args.project:
            project = client.projects.find(parsed_args.project)
            client.flavors.remove_access(flavor.id, project.id)
