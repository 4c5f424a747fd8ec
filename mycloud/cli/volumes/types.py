"""``mycloud volume type``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud.cli import arguments
from mycloud.cli.columns import Names, Optional, Pairs
from mycloud.cli.command import Command, Lister, ShowFound, ShowOne, pairs
from mycloud.cli.exits import UsageError
from mycloud.client import errors

if TYPE_CHECKING:
    from mycloud.client.connection import Client
    from mycloud.client.volume_types import VolumeType

_ENCRYPTION = ("provider", "cipher", "key_size", "control_location")


def _fields(kind: "VolumeType", client: "Client") -> dict[str, Any]:
    fields = {
        "id": kind.id,
        "name": kind.name,
        "description": Optional(kind.description),
        "public": kind.is_public,
        "properties": Pairs(kind.extra_specs),
        "qos": client.qos_specs.name_of(kind.qos_specs_id),
        "encryption": Pairs(_encryption(kind, client)),
    }
    if not kind.is_public:
        fields["projects"] = Names(_projects(kind, client))
    return fields


def _encryption(kind: "VolumeType", client: "Client") -> dict[str, Any]:
    try:
        found = client.volume_types.encryption(kind.id)
    except errors.Forbidden:
        # how it is done is for administrators
        return {}
    return {} if found is None else {name: getattr(found, name) for name in _ENCRYPTION}


def _projects(kind: "VolumeType", client: "Client") -> Sequence[str]:
    try:
        return client.volume_types.access(kind.id)
    except errors.Forbidden:
        return ()


def _add_encryption(parser: argparse.ArgumentParser) -> None:
    for option, text in (
        ("--encryption-provider", "who encrypts its volumes: luks"),
        ("--encryption-cipher", "how: aes-xts-plain64"),
        ("--encryption-control-location", "where: front-end or back-end"),
    ):
        parser.add_argument(option, metavar="WORD", help=text)
    parser.add_argument(
        "--encryption-key-size",
        type=arguments.whole_number(1, "bits"),
        metavar="BITS",
        help="length of the key in bits",
    )


def _wanted_encryption(parsed_args: argparse.Namespace) -> dict[str, Any]:
    values = vars(parsed_args)
    wanted = {name: values[f"encryption_{name}"] for name in _ENCRYPTION}
    return {name: value for name, value in wanted.items() if value is not None}


class CreateType(ShowOne):
    """Create a volume type (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME", help="what to call it")
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
        parser.add_argument(
            "--multiattach", action="store_true", help="several servers may share its volumes"
        )
        arguments.add_properties(parser, "what its volumes ask of a backend")
        _add_encryption(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        if parsed_args.project and parsed_args.public is not False:
            raise UsageError("--project is only for a type that is --private")
        encryption = _wanted_encryption(parsed_args)
        if encryption and "provider" not in encryption:
            raise UsageError("An encrypted type needs --encryption-provider")
        client = self.client
        project = client.projects.find(parsed_args.project).id if parsed_args.project else None
        specs = dict(parsed_args.properties)
        if parsed_args.multiattach:
            specs["multiattach"] = "<is> True"
        types = client.volume_types
        kind = types.create(
            {
                "name": parsed_args.name,
                "description": parsed_args.description,
                "extra_specs": specs or None,
            },
            is_public=parsed_args.public is not False,
        )
        if project:
            types.add_access(kind.id, project)
        if encryption:
            types.set_encryption(kind.id, **encryption)
        return pairs(_fields(types.get(kind.id), client))


class ListTypes(Lister):
    """List the volume types"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--default", action="store_true", help="only the default one")
        which.add_argument("--public", action="store_true", help="only public ones")
        which.add_argument(
            "--private", action="store_true", help="only private ones (administrators)"
        )
        parser.add_argument("--long", action="store_true", help="show more columns")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        types = self.client.volume_types
        if parsed_args.default:
            listed: Iterable[VolumeType] = [types.default()]
        else:
            public = "True" if parsed_args.public else None
            listed = types.list(
                is_public="False" if parsed_args.private else public or "None"
            )
        columns: tuple[str, ...] = ("ID", "Name", "Public")
        if parsed_args.long:
            columns += ("Description", "Properties")
        rows = []
        for kind in listed:
            row: tuple[Any, ...] = (kind.id, kind.name, kind.is_public)
            if parsed_args.long:
                row += (Optional(kind.description), Pairs(kind.extra_specs))
            rows.append(row)
        return columns, rows


class ShowType(ShowFound):
    """Show one volume type"""

    noun = "type"

    def found(self, name: str) -> dict[str, Any]:
        """The fields to show."""
        return _fields(self.client.volume_types.find(name), self.client)


class SetType(Command):
    """Change a volume type, how its volumes are encrypted, or who may use it (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("type", metavar="TYPE", help="name or id")
        parser.add_argument("--name", help="new name")
        parser.add_argument("--description", help="new text about it")
        arguments.add_switch(
            parser,
            "is_public",
            ("public", "for everybody"),
            ("private", "only for projects that are named"),
        )
        parser.add_argument("--project", metavar="PROJECT", help="may use it from now on")
        arguments.add_properties(parser, "what its volumes ask of a backend")
        _add_encryption(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        changes = arguments.given(parsed_args, ("name", "description", "is_public"))
        encryption = _wanted_encryption(parsed_args)
        if not (changes or encryption or parsed_args.properties or parsed_args.project):
            raise UsageError("Nothing to change: give at least one option, such as --property")
        client = self.client
        types = client.volume_types
        kind = types.find(parsed_args.type)
        if changes:
            types.update(kind.id, **changes)
        if parsed_args.properties:
            types.set_extra_specs(kind.id, dict(parsed_args.properties))
        if encryption:
            types.set_encryption(kind.id, **encryption)
        if parsed_args.project:
            types.add_access(kind.id, client.projects.find(parsed_args.project).id)


class UnsetType(Command):
    """Remove a volume type's properties, encryption, or a project's right to use it"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("type", metavar="TYPE", help="name or id")
        parser.add_argument("--project", metavar="PROJECT", help="may no longer use it")
        parser.add_argument(
            "--encryption-type",
            action="store_true",
            help="volumes made from now on are not encrypted",
        )
        arguments.add_unset_properties(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if not (parsed_args.project or parsed_args.properties or parsed_args.encryption_type):
            raise UsageError(
                "Nothing to remove: give --property, --project or --encryption-type"
            )
        client = self.client
        types = client.volume_types
        kind = types.find(parsed_args.type)
        for key in parsed_args.properties:
            types.unset_extra_spec(kind.id, key)
        if parsed_args.encryption_type:
            types.unset_encryption(kind.id)
        if parsed_args.project:
            types.remove_access(kind.id, client.projects.find(parsed_args.project).id)


class DeleteType(Command):
    """Delete volume types that no volume has (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("types", nargs="+", metavar="TYPE", help="name or id")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        types = self.client.volume_types
        return self.each(parsed_args.types, lambda name: types.delete(types.find(name).id))
