"""What the commands of volumes have in common: deleting, waiting, what an address may be."""

import abc
import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from mycloud.cli import arguments
from mycloud.cli.command import Command
from mycloud.cli.exits import UsageError
from mycloud.cli.progress import progress

if TYPE_CHECKING:
    from mycloud.cli.app import MycloudApp
    from mycloud.client import Client
    from mycloud.client.block_storage import BlockStorage
    from mycloud.client.resource import Accepted


def size(text: str) -> int:
    """A type for sizes in GiB."""
    return arguments.whole_number(1, "GiB")(text)


def add_project_filters(parser: argparse.ArgumentParser) -> None:
    """``--all-projects`` and ``--limit`` of lists."""
    parser.add_argument(
        "--all-projects", action="store_true", help="of all projects (administrators)"
    )
    parser.add_argument(
        "--limit", type=arguments.whole_number(1), metavar="N", help="show that many at most"
    )


def project_filters(parsed_args: argparse.Namespace) -> dict[str, Any]:
    """What those options mean for the service; the limit is the size of a page, too."""
    return {
        "all_tenants": "1" if parsed_args.all_projects else None,
        "limit": parsed_args.limit,
    }


def add_filters(parser: argparse.ArgumentParser) -> None:
    """What lists of snapshots and of backups filter by."""
    parser.add_argument("--volume", metavar="VOLUME", help="only of it (name or id)")
    parser.add_argument("--name", help="only those called that")
    parser.add_argument("--status", help="only with this status, such as available")
    parser.add_argument("--long", action="store_true", help="show more columns")
    add_project_filters(parser)


def filters(client: "Client", parsed_args: argparse.Namespace) -> dict[str, Any]:
    """What those options mean for the service."""
    found = project_filters(parsed_args)
    found |= {"name": parsed_args.name, "status": parsed_args.status}
    if parsed_args.volume:
        found["volume_id"] = client.volumes.find(parsed_args.volume).id
    return found


def add_changes(parser: argparse.ArgumentParser) -> None:
    """What of snapshots and of backups may be set."""
    parser.add_argument("--name", help="new name")
    parser.add_argument("--description", help="new text about it")
    arguments.add_properties(parser, "metadata to add or change")
    parser.add_argument(
        "--state",
        dest="status",
        metavar="STATUS",
        help="declare that it has this status, whatever is true (administrators)",
    )


def changes(parsed_args: argparse.Namespace) -> dict[str, Any]:
    """The new name and description among those options.

    :raises UsageError: no option was given
    """
    found = arguments.given(parsed_args, ("name", "description"))
    if not (found or parsed_args.properties or parsed_args.status):
        raise UsageError("Nothing to change: give --name, --description or --property")
    return found


def settle(
    app: "MycloudApp",
    collection: "BlockStorage[Any]",
    accepted: "Accepted",
    parsed_args: argparse.Namespace,
    status: Sequence[str] = (),
) -> Any:
    """The resource once the change is done, if the person waits for that, else as it is now."""
    if not parsed_args.wait:
        tell(app, accepted)
        return collection.get(accepted.resource_id)
    with progress(app.stderr, quiet=app.quiet) as shown:
        return collection.wait(
            accepted, status=status, timeout=parsed_args.timeout, on_change=shown.show
        )


def tell(app: "MycloudApp", accepted: "Accepted") -> None:
    """Where to look for what goes on."""
    if accepted.operation_id:
        app.tell(f"accepted; follow it with: mycloud operation show {accepted.operation_id}")


class DeleteSettling(Command):
    """Deletes one or more, all begun before the first is waited for."""

    metavar: ClassVar[str]

    @abc.abstractmethod
    def collection(self) -> "BlockStorage[Any]":
        """Where they are."""

    def begin(self, resource_id: str, parsed_args: argparse.Namespace) -> "Accepted":
        """Begin to delete one."""
        if parsed_args.force:
            return self.collection().force_delete(resource_id)
        return self.collection().delete(resource_id)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("names", nargs="+", metavar=self.metavar, help="name or id")
        parser.add_argument(
            "--force", action="store_true", help="whatever its status is (administrators)"
        )
        arguments.add_wait(parser, "it is gone")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        collection = self.collection()
        begun: dict[str, Accepted] = {}

        def begin(name: str) -> None:
            begun[name] = self.begin(collection.find(name).id, parsed_args)

        status = self.each(parsed_args.names, begin)
        if parsed_args.wait:
            with progress(self.app.stderr, quiet=self.app.quiet) as shown:
                waited = self.each(
                    begun,
                    lambda name: collection.wait_deleted(
                        begun[name], timeout=parsed_args.timeout, on_change=shown.show
                    ),
                )
            status = status or waited
        return status
