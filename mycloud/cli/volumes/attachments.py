"""``mycloud volume attachment``."""

import argparse
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from mycloud.cli.columns import Optional, Pairs
from mycloud.cli.command import Lister, ShowOne, pairs
from mycloud.cli.volumes import common


class ListAttachments(Lister):
    """List which volumes are given to which servers"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--volume", metavar="VOLUME", help="only of it (name or id)")
        parser.add_argument("--server", metavar="SERVER", help="only of it (name or id)")
        parser.add_argument("--status", help="only with this status, such as attached")
        common.add_project_filters(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        filters = common.project_filters(parsed_args)
        filters["status"] = parsed_args.status
        if parsed_args.volume:
            filters["volume_id"] = client.volumes.find(parsed_args.volume).id
        if parsed_args.server:
            filters["instance_id"] = client.servers.find(parsed_args.server).id
        listed = client.volume_attachments.list(**filters)
        return ("ID", "Volume ID", "Server ID", "Status", "Mode", "Attached"), [
            (
                one.id,
                one.volume_id,
                Optional(one.server_id),
                one.status,
                Optional(one.mode),
                Optional(one.attached_at),
            )
            for one in itertools.islice(listed, parsed_args.limit)
        ]


class ShowAttachment(ShowOne):
    """Show one attachment"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("attachment", metavar="ATTACHMENT", help="its id")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        found = self.client.volume_attachments.find(parsed_args.attachment)
        return pairs(
            {
                "id": found.id,
                "volume_id": found.volume_id,
                "server_id": Optional(found.server_id),
                "status": found.status,
                "mode": Optional(found.mode),
                "attached_at": Optional(found.attached_at),
                "detached_at": Optional(found.detached_at),
                "connection": Pairs(found.connection),
            }
        )
