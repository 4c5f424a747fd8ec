"""``mycloud volume service|pool|message``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from mycloud.cli import arguments
from mycloud.cli.columns import Optional, Pairs
from mycloud.cli.command import Command, Lister
from mycloud.cli.exits import UsageError

_VOLUME = "cinder-volume"


class ListServices(Lister):
    """List the programs of block storage, and why one can't work (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--host", help="only on this HOST or HOST@BACKEND")
        parser.add_argument("--binary", help=f"only of this program, such as {_VOLUME}")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        filters = arguments.given(parsed_args, ("host", "binary"))
        columns = (
            "Binary", "Host", "Zone", "Status", "State", "Backend", "Updated", "Reason",
        )  # fmt: skip
        return columns, [
            (
                service.binary,
                service.host,
                service.zone,
                service.status,
                service.state,
                Optional(service.backend_state),
                Optional(service.updated_at),
                Optional(service.disabled_reason),
            )
            for service in self.client.volume_services.list(**filters)
        ]


class SetService(Command):
    """Let a backend get new volumes or not (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST@BACKEND", help="which one")
        parser.add_argument(
            "binary",
            nargs="?",
            default=_VOLUME,
            metavar="BINARY",
            help="its program (default: %(default)s)",
        )
        arguments.add_switch(
            parser,
            "enabled",
            ("enable", "let it get new volumes"),
            ("disable", "let it get no new volumes; those that it has go on"),
        )
        parser.add_argument(
            "--disable-reason", "--reason", dest="reason", metavar="TEXT", help="why"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if parsed_args.enabled is None:
            raise UsageError("Nothing to change: give --enable or --disable")
        if parsed_args.reason is not None and parsed_args.enabled:
            raise UsageError("--disable-reason goes with --disable")
        services = self.client.volume_services
        if parsed_args.enabled:
            services.enable(parsed_args.host, parsed_args.binary)
        else:
            services.disable(parsed_args.host, parsed_args.binary, reason=parsed_args.reason)


class ListPools(Lister):
    """List the places for volumes and their room in GiB (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--long", action="store_true", help="show what each can do")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        columns: tuple[str, ...] = ("Name", "Total", "Free", "Allocated")
        if parsed_args.long:
            columns += ("Capabilities",)
        rows = []
        for pool in self.client.volume_services.pools():
            row: tuple[Any, ...] = (
                pool.name,
                Optional(pool.total_gb),
                Optional(pool.free_gb),
                Optional(pool.allocated_gb),
            )
            if parsed_args.long:
                row += (Pairs(pool.capabilities),)
            rows.append(row)
        return columns, rows


class ListMessages(Lister):
    """List why what was accepted failed later, newest first"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--resource", metavar="ID", help="only about the volume, snapshot or backup of this id"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        messages = self.client.volume_messages.list(resource_uuid=parsed_args.resource)
        columns = ("ID", "Level", "Resource Type", "Resource ID", "Created", "Message")
        return columns, [
            (
                one.id,
                one.level,
                one.resource_type,
                Optional(one.resource_id),
                Optional(one.created_at),
                one.text,
            )
            for one in messages
        ]


class DeleteMessage(Command):
    """Delete messages"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("messages", nargs="+", metavar="MESSAGE", help="id")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        messages = self.client.volume_messages
        return self.each(parsed_args.messages, lambda name: messages.delete(name))
