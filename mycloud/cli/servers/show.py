"""``mycloud server list|show|events|console log``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud.cli import arguments
from mycloud.cli.columns import Names, Optional, Pairs
from mycloud.cli.command import Command, Lister, ShowFound
from mycloud.client import errors
from mycloud.common import states

if TYPE_CHECKING:
    from mycloud.client.connection import Client
    from mycloud.client.servers import Server

_IDS_IN_AN_ADDRESS = 100
#: The compute API's number -> a word.
_POWER = {
    number: name.lower() for name, number in vars(states.Power).items() if name.isupper()
}


def fields(server: "Server", client: "Client") -> dict[str, Any]:
    """What is shown of one server."""
    return {
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "task_state": Optional(server.task_state),
        "power_state": _POWER.get(server.power_state, str(server.power_state)),
        "fault": Optional(server.fault),
        "flavor": flavor_name(server),
        "vcpus": Optional(server.flavor.get("vcpus")),
        "ram": Optional(server.flavor.get("ram")),
        "disk": Optional(server.flavor.get("disk")),
        "image": _image_text(server, client),
        "volumes": Names(server.volume_ids),
        "key_name": Optional(server.key_name),
        "availability_zone": Optional(server.availability_zone),
        "host": Optional(server.host),
        "locked": server.locked,
        "description": Optional(server.description),
        "properties": Pairs(server.metadata),
        "tags": Names(server.tags),
        "project_id": server.project_id,
        "user_id": server.user_id,
        "created_at": server.created_at,
        "updated_at": server.updated_at,
    }


def flavor_name(server: "Server") -> str:
    """The name that the flavor had when the server was made."""
    return str(server.flavor.get("original_name") or server.flavor.get("id") or "")


def _image_text(server: "Server", client: "Client") -> str:
    if server.image_id is None:
        return ""
    try:
        return f"{client.images.get(server.image_id).name} ({server.image_id})"
    except errors.ApiError:
        # the image may be gone, or not be for this project any more
        return server.image_id


def _image_names(servers: "Iterable[Server]", client: "Client") -> dict[str, str]:
    """The names of the images of these servers, in as few requests as their addresses allow."""
    ids = sorted({server.image_id for server in servers if server.image_id})
    names: dict[str, str] = {}
    for start in range(0, len(ids), _IDS_IN_AN_ADDRESS):
        some = ",".join(ids[start : start + _IDS_IN_AN_ADDRESS])
        try:
            names |= {image.id: image.name for image in client.images.list(id=f"in:{some}")}
        except errors.ApiError:
            # an id is shown instead: the list is about servers
            return names
    return names


class ListServers(Lister):
    """List the servers of the project"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--long", action="store_true", help="show more columns")
        parser.add_argument("--name", help="only servers whose name holds this")
        parser.add_argument("--status", help="only servers with this status, such as ACTIVE")
        parser.add_argument("--flavor", metavar="FLAVOR", help="only of this flavor")
        parser.add_argument("--image", metavar="IMAGE", help="only of this image")
        parser.add_argument("--host", help="only on this host (administrators)")
        parser.add_argument("--tags", metavar="TAG,TAG", help="only with all of these tags")
        parser.add_argument(
            "--all-projects", action="store_true", help="of all projects (administrators)"
        )
        parser.add_argument("--project", help="only of this project (administrators)")
        parser.add_argument(
            "--deleted", action="store_true", help="only deleted ones (administrators)"
        )
        parser.add_argument(
            "--limit",
            type=arguments.whole_number(1),
            metavar="N",
            help="show that many at most",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        filters: dict[str, Any] = {
            "name": parsed_args.name,
            "status": parsed_args.status.upper() if parsed_args.status else None,
            "host": parsed_args.host,
            "tags": parsed_args.tags,
            "limit": parsed_args.limit,
        }
        if parsed_args.flavor:
            filters["flavor"] = client.flavors.find(parsed_args.flavor).id
        if parsed_args.image:
            filters["image"] = client.images.find(parsed_args.image).id
        if parsed_args.all_projects or parsed_args.project:
            filters["all_tenants"] = True
        if parsed_args.project:
            filters["project_id"] = client.projects.find(parsed_args.project).id
        if parsed_args.deleted:
            filters["deleted"] = True
        servers = []
        for server in client.servers.list(**filters):
            servers.append(server)
            if len(servers) == parsed_args.limit:
                break
        return self._table(servers, long=parsed_args.long)

    def _table(
        self, servers: "Sequence[Server]", *, long: bool
    ) -> tuple[Sequence[str], Iterable[Any]]:
        images = _image_names(servers, self.client)
        columns: list[str] = ["ID", "Name", "Status", "Image", "Flavor"]
        if long:
            columns += ["Task State", "Power State", "Host", "Availability Zone", "Project ID"]
            columns += ["Created", "Properties"]
        rows = []
        for server in servers:
            image = images.get(server.image_id or "", server.image_id or "")
            row: list[Any] = [server.id, server.name, server.status, image, flavor_name(server)]
            if long:
                row += [
                    Optional(server.task_state),
                    _POWER.get(server.power_state, str(server.power_state)),
                    Optional(server.host),
                    Optional(server.availability_zone),
                    server.project_id,
                    server.created_at,
                    Pairs(server.metadata),
                ]
            rows.append(row)
        return columns, rows


class ShowServer(ShowFound):
    """Show one server"""

    noun = "server"

    def found(self, name: str) -> dict[str, Any]:
        """The fields to show."""
        return fields(self.client.servers.find(name), self.client)


class ServerEvents(Lister):
    """List what was done to a server, newest first"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="SERVER", help="name or id")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        servers = self.client.servers
        events = servers.events(servers.find(parsed_args.server).id)
        return ("Action", "Request ID", "Started", "Updated", "Message"), [
            (
                event.action,
                event.request_id,
                Optional(event.started_at),
                Optional(event.updated_at),
                Optional(event.message),
            )
            for event in events
        ]


class ConsoleLog(Command):
    """Show what the guest wrote to its console"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="SERVER", help="name or id")
        parser.add_argument(
            "--lines",
            type=arguments.whole_number(0),
            metavar="N",
            help="only the last N lines",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        servers = self.client.servers
        server = servers.find(parsed_args.server)
        text = servers.console_log(server.id, lines=parsed_args.lines)
        self.app.stdout.write(text if text.endswith("\n") or not text else f"{text}\n")
