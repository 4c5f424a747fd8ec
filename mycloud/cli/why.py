"""``mycloud why``: what happened to something, step by step, and why."""

import argparse
import contextlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud.cli import exits
from mycloud.cli.columns import Optional, Seconds
from mycloud.cli.command import Lister
from mycloud.cli.exits import UsageError
from mycloud.client import errors

if TYPE_CHECKING:
    from mycloud.client.operations import Explanation, Operation
    from mycloud.client.resource import Collection

#: Catalog type of the service that has volumes, snapshots and backups.
VOLUME = "block-storage"


class Why(Lister):
    """Tell what happened to a server, a volume, an operation ..., and why

    As json or yaml: the whole story. As csv or value: a row for each step.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "anything",
            metavar="ID",
            help="a server, host, volume, snapshot or backup (name or id), an operation's id, or "
            "a request's (req-...)",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        self._story = self._find(parsed_args.anything)
        columns = ("Operation", "Step", "Host", "State", "Duration", "Detail")
        return columns, list(_rows(self._story))

    def _find(self, anything: str) -> "Explanation":
        client = self.client
        if not client.operations.available():
            raise errors.ClientError("This cloud keeps no journal of operations")
        try:
            return client.operations.why(anything)
        except (errors.NotFound, errors.BadRequest):
            return client.operations.why(self._named(anything))

    def _named(self, name: str) -> str:
        """The id of the one thing of that name that has a story."""
        client = self.client
        collections: list[Collection[Any]] = [client.servers, client.hosts]
        if client.transport.has_service(VOLUME):
            collections += [client.volumes, client.snapshots, client.backups]
        found: list[tuple[str, str]] = []
        for one in collections:
            # a cloud may have volumes and no backups
            with contextlib.suppress(errors.NotFound, errors.Forbidden):
                found += [(one.noun, it.id) for it in one.named(name)]
        if not found:
            nouns = ", ".join(one.noun for one in collections)
            raise errors.NotFound.named(f"{nouns}, operation or request", name)
        if len(found) > 1:
            listed = ", ".join(f"{noun} {an_id}" for noun, an_id in found)
            raise UsageError(f"Several things are called '{name}'; give an id: {listed}")
        return found[0][1]

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        story, out = self._story, self.app.stdout
        if parsed_args.columns or parsed_args.formatter in ("csv", "value"):
            return int(super().produce_output(parsed_args, column_names, data) or exits.DONE)
        if parsed_args.formatter == "json":
            json.dump(story.document, out, indent=None if parsed_args.noindent else 2)
            out.write("\n")
            return exits.DONE
        if parsed_args.formatter == "yaml":
            import yaml

            yaml.safe_dump(dict(story.document), out, sort_keys=False)
            return exits.DONE
        name = f" '{story.resource_name}'" if story.resource_name else ""
        status = f" is {story.resource_status}" if story.resource_status else ""
        out.write(f"{story.resource_type or 'resource'}{name} ({story.resource_id}){status}\n\n")
        super().produce_output(parsed_args, column_names, data)
        for operation in story.operations:
            if operation.reason and operation.reason not in story.cause:
                out.write(f"{operation.kind} {operation.state}: {operation.reason}\n")
        out.write(f"Cause: {story.cause}\n")
        return exits.DONE


def _rows(story: "Explanation") -> Iterable[tuple[Any, ...]]:
    for operation in story.operations:
        yield (
            operation.kind,
            "",
            Optional(operation.host),
            operation.state,
            Seconds(operation.duration_s),
            _summary(operation),
        )
        for step in operation.steps:
            yield (
                "",
                step.name,
                Optional(step.host),
                step.state,
                Seconds(step.duration_s),
                # the same sentence stands below the table
                Optional(None if step.detail == operation.reason else step.detail),
            )


def _summary(operation: "Operation") -> str:
    attempt = f", attempt {operation.attempt}" if operation.attempt > 1 else ""
    return f"{operation.created_at or ''}{attempt}"
