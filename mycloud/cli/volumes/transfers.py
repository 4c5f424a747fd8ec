"""``mycloud volume transfer``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud.cli.columns import Optional
from mycloud.cli.command import Command, Lister, ShowFound, ShowOne, pairs

if TYPE_CHECKING:
    from mycloud.client.volume_transfers import Transfer


def _fields(transfer: "Transfer") -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": transfer.id,
        "name": transfer.name,
        "volume_id": transfer.volume_id,
        "created_at": Optional(transfer.created_at),
    }
    if transfer.auth_key is not None:
        fields["auth_key"] = transfer.auth_key
    return fields


class CreateTransfer(ShowOne):
    """Offer a volume to another project

    Who has the id and the key that are shown, which is once, can take it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("volume", metavar="VOLUME", help="name or id")
        parser.add_argument("--name", help="what to call the offer")
        parser.add_argument(
            "--no-snapshots", action="store_true", help="its snapshots do not go with it"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        transfer = client.volume_transfers.create(
            client.volumes.find(parsed_args.volume).id,
            name=parsed_args.name,
            snapshots=not parsed_args.no_snapshots,
        )
        return pairs(_fields(transfer))


class ListTransfers(Lister):
    """List the volumes that the project offers"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--all-projects", action="store_true", help="of all projects (administrators)"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        filters = {"all_tenants": "1"} if parsed_args.all_projects else {}
        return ("ID", "Name", "Volume ID", "Created"), [
            (one.id, one.name, one.volume_id, Optional(one.created_at))
            for one in self.client.volume_transfers.list(**filters)
        ]


class ShowTransfer(ShowFound):
    """Show one offer"""

    noun = "transfer"

    def found(self, name: str) -> dict[str, Any]:
        """The fields to show."""
        return _fields(self.client.volume_transfers.find(name))


class DeleteTransfer(Command):
    """Take offers back"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("transfers", nargs="+", metavar="TRANSFER", help="name or id")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        offers = self.client.volume_transfers
        return self.each(
            parsed_args.transfers, lambda name: offers.delete(offers.find(name).id)
        )


class AcceptTransfer(ShowOne):
    """Take a volume that another project offers"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("transfer", metavar="TRANSFER", help="id of the offer")
        parser.add_argument(
            "--auth-key", required=True, metavar="KEY", help="the key that came with the offer"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        # it is the other project's, which this one can't look up
        taken = self.client.volume_transfers.accept(parsed_args.transfer, parsed_args.auth_key)
        return pairs(_fields(taken))
