"""``mycloud node`` and ``mycloud node token``, of administrators."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from mycloud.cli.columns import Optional
from mycloud.cli.command import Command, Lister, ShowOne, pairs


class CreateToken(ShowOne):
    """Make a token that lets one machine join as a compute host (administrators)

    The token is shown this once. Whoever has it can add a machine to the cloud until it expires
    or is used: give it over a channel that nobody reads.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--name", help="the only name under which a machine may join")
        parser.add_argument(
            "--lifetime", type=int, metavar="SECONDS",
            help="within which it must be used (default: the cloud's, mostly 900)",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        made = self.client.node_tokens.create(
            name=parsed_args.name, lifetime=parsed_args.lifetime
        )
        self.app.tell("On the machine that is to join:\n")
        self.app.tell(f"  mycloud node join {made.token}\n")
        return pairs(
            {
                "id": made.id,
                "name": Optional(made.name or None),
                "expires_at": made.expires_at,
                "token": made.token,
            }
        )


class ListTokens(Lister):
    """List the tokens of the last days and what became of them (administrators)"""

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        return ("ID", "Name", "Status", "Node", "Expires"), [
            (token.id, Optional(token.name or None), token.status, Optional(token.node),
             token.expires_at)
            for token in self.client.node_tokens.list()
        ]


class DeleteToken(Command):
    """Withdraw tokens; machines that have joined by them stay (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("tokens", nargs="+", metavar="ID", help="of the token")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        return self.each(parsed_args.tokens, self.client.node_tokens.delete)


class ListNodes(Lister):
    """List the machines that have joined by a token (administrators)"""

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        return ("Name", "Addresses", "Joined", "Left"), [
            (node.name, ", ".join(node.addresses), node.joined_at, Optional(node.left_at))
            for node in self.client.nodes.list()
        ]


class ForgetNode(Command):
    """Forget machines that are gone for good; their names are free then (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("nodes", nargs="+", metavar="NAME", help="of the machine")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        return self.each(parsed_args.nodes, self.client.nodes.forget)
