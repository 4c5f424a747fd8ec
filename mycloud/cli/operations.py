"""``mycloud operation``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from mycloud.cli import arguments
from mycloud.cli.columns import Optional, Seconds
from mycloud.cli.command import Lister, ShowOne, pairs
from mycloud.cli.progress import Steps


class ListOperations(Lister):
    """List what the cloud did and does, newest first"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        which = parser.add_mutually_exclusive_group()
        for noun in ("server", "volume", "snapshot", "backup"):
            which.add_argument(
                f"--{noun}", metavar=noun.upper(), help="only on it (name or id)"
            )
        parser.add_argument("--kind", help="only of this kind, such as server.create")
        parser.add_argument("--state", help="only in this state, such as failed")
        parser.add_argument("--project", help="only of this project (administrators)")
        parser.add_argument(
            "--limit",
            type=arguments.whole_number(1),
            default=50,
            metavar="N",
            help="show that many at most (default: 50)",
        )
        parser.add_argument("--long", action="store_true", help="show more columns")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        filters = arguments.given(parsed_args, ("kind", "state", "limit"))
        filters["sort_dir"] = "desc"
        for name, collection in (
            (parsed_args.server, client.servers),
            (parsed_args.volume, client.volumes),
            (parsed_args.snapshot, client.snapshots),
            (parsed_args.backup, client.backups),
        ):
            if name:
                filters["resource_id"] = collection.find(name).id
        if parsed_args.project:
            filters["project_id"] = client.projects.find(parsed_args.project).id
        columns: tuple[str, ...] = (
            "ID",
            "Kind",
            "Resource ID",
            "State",
            "Host",
            "Created",
            "Duration",
            "Reason",
        )
        if parsed_args.long:
            columns += ("Attempt", "Code", "Request ID", "Project ID", "User ID")
        rows: list[tuple[Any, ...]] = []
        for operation in client.operations.list(**filters):
            row: tuple[Any, ...] = (
                operation.id,
                operation.kind,
                operation.resource_id,
                operation.state,
                Optional(operation.host),
                operation.created_at,
                Seconds(operation.duration_s),
                Optional(operation.reason),
            )
            if parsed_args.long:
                row += (
                    operation.attempt,
                    Optional(operation.code),
                    Optional(operation.request_id),
                    Optional(operation.project_id),
                    Optional(operation.user_id),
                )
            rows.append(row)
            if len(rows) == parsed_args.limit:
                break
        return columns, rows


class ShowOperation(ShowOne):
    """Show one operation with its steps"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("operation", metavar="OPERATION", help="its id")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        operation = self.client.operations.get(parsed_args.operation)
        return pairs(
            {
                "id": operation.id,
                "kind": operation.kind,
                "resource_type": operation.resource_type,
                "resource_id": operation.resource_id,
                "state": operation.state,
                "reason": Optional(operation.reason),
                "code": Optional(operation.code),
                "steps": Steps(operation.steps),
                "host": Optional(operation.host),
                "attempt": operation.attempt,
                "created_at": operation.created_at,
                "started_at": Optional(operation.started_at),
                "finished_at": Optional(operation.finished_at),
                "duration": Seconds(operation.duration_s),
                "request_id": Optional(operation.request_id),
                "project_id": Optional(operation.project_id),
                "user_id": Optional(operation.user_id),
            }
        )
