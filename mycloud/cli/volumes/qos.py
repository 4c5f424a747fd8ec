"""``mycloud volume qos``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud.cli import arguments
from mycloud.cli.columns import Names, Pairs
from mycloud.cli.command import Command, Lister, ShowFound, ShowOne, pairs
from mycloud.cli.exits import UsageError

if TYPE_CHECKING:
    from mycloud.client.connection import Client
    from mycloud.client.volume_types import QosSpecs

_CONSUMERS = ("front-end", "back-end", "both")


def _fields(specs: "QosSpecs", client: "Client") -> dict[str, Any]:
    return {
        "id": specs.id,
        "name": specs.name,
        "consumer": specs.consumer,
        "properties": Pairs(specs.specs),
        "types": Names(client.qos_specs.types(specs.id)),
    }


def _add_consumer(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--consumer", choices=_CONSUMERS, help=text)


class CreateQos(ShowOne):
    """Create QoS specs: bounds of speed for types to share (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME", help="what to call them")
        _add_consumer(
            parser,
            "who keeps the bounds: the hypervisor (front-end), the backend, or both "
            "(default: back-end)",
        )
        arguments.add_properties(parser, "a bound, such as total_iops_sec=500")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        specs = self.client.qos_specs.create(
            parsed_args.name, consumer=parsed_args.consumer, specs=dict(parsed_args.properties)
        )
        return pairs(_fields(specs, self.client))


class ListQos(Lister):
    """List the QoS specs (administrators)"""

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        collection = self.client.qos_specs
        return ("ID", "Name", "Consumer", "Types", "Properties"), [
            (one.id, one.name, one.consumer, Names(collection.types(one.id)), Pairs(one.specs))
            for one in collection.list()
        ]


class ShowQos(ShowFound):
    """Show one QoS spec (administrators)"""

    noun = "qos"

    def found(self, name: str) -> dict[str, Any]:
        """The fields to show."""
        return _fields(self.client.qos_specs.find(name), self.client)


class SetQos(Command):
    """Change bounds of speed (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("qos", metavar="QOS", help="name or id")
        _add_consumer(parser, "who keeps the bounds")
        arguments.add_properties(parser, "a bound to add or change")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if not (parsed_args.properties or parsed_args.consumer):
            raise UsageError("Nothing to change: give --property or --consumer")
        collection = self.client.qos_specs
        collection.update(
            collection.find(parsed_args.qos).id,
            dict(parsed_args.properties),
            consumer=parsed_args.consumer,
        )


class UnsetQos(Command):
    """Remove bounds of speed (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("qos", metavar="QOS", help="name or id")
        arguments.add_unset_properties(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if not parsed_args.properties:
            raise UsageError("Nothing to remove: give --property")
        collection = self.client.qos_specs
        collection.unset(collection.find(parsed_args.qos).id, parsed_args.properties)


class DeleteQos(Command):
    """Delete QoS specs (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("qos", nargs="+", metavar="QOS", help="name or id")
        parser.add_argument("--force", action="store_true", help="also while types have them")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        collection = self.client.qos_specs
        return self.each(
            parsed_args.qos,
            lambda name: collection.remove(collection.find(name).id, force=parsed_args.force),
        )


class AssociateQos(Command):
    """Give QoS specs to a volume type (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("qos", metavar="QOS", help="name or id")
        parser.add_argument("type", metavar="TYPE", help="name or id")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        client = self.client
        client.qos_specs.associate(
            client.qos_specs.find(parsed_args.qos).id,
            client.volume_types.find(parsed_args.type).id,
        )


class DisassociateQos(Command):
    """Take QoS specs from a volume type, or from all (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("qos", metavar="QOS", help="name or id")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--volume-type", metavar="TYPE", help="from this one (name or id)")
        which.add_argument("--all", action="store_true", help="from all that have them")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        client = self.client
        specs = client.qos_specs.find(parsed_args.qos)
        type_id = None
        if parsed_args.volume_type:
            type_id = client.volume_types.find(parsed_args.volume_type).id
        client.qos_specs.disassociate(specs.id, type_id)
