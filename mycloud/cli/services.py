"""``mycloud service``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from mycloud.cli import arguments
from mycloud.cli.columns import Optional
from mycloud.cli.command import Command, Lister
from mycloud.cli.exits import UsageError


class ListServices(Lister):
    """List the programs that make up the cloud (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--host", help="only on this host")
        parser.add_argument("--binary", help="only of this program, such as nova-compute")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        filters = arguments.given(parsed_args, ("host", "binary"))
        columns = ("ID", "Binary", "Host", "Zone", "Status", "State", "Updated", "Reason")
        return columns, [
            (
                service.id,
                service.binary,
                service.host,
                service.zone,
                service.status,
                service.state,
                Optional(service.updated_at),
                Optional(service.disabled_reason),
            )
            for service in self.client.services.list(**filters)
        ]


class SetService(Command):
    """Let a host take new servers or not (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("service", metavar="SERVICE", help="id, or name of the host")
        arguments.add_switch(
            parser,
            "enabled",
            ("enable", "let it take new servers"),
            ("disable", "let it take no new servers; those that it has go on"),
        )
        parser.add_argument("--reason", metavar="TEXT", help="why it is disabled")
        arguments.add_switch(
            parser,
            "forced_down",
            ("down", "take it for dead, whatever it says"),
            ("up", "believe again what it says"),
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if parsed_args.reason is not None and parsed_args.enabled is not False:
            raise UsageError("--reason goes with --disable")
        if parsed_args.enabled is None and parsed_args.forced_down is None:
            raise UsageError("Nothing to change: give --enable, --disable, --down or --up")
        services = self.client.services
        services.update(
            services.find(parsed_args.service).id,
            enabled=parsed_args.enabled,
            reason=parsed_args.reason,
            forced_down=parsed_args.forced_down,
        )
