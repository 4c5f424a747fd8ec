"""``mycloud volume list|show|summary``."""

import argparse
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mycloud.cli.columns import Optional, Pairs
from mycloud.cli.command import Lister, ShowFound, ShowOne, pairs
from mycloud.cli.volumes import common
from mycloud.client import errors

if TYPE_CHECKING:
    from mycloud.client.connection import Client
    from mycloud.client.volumes import Volume


def fields(volume: "Volume", client: "Client") -> dict[str, Any]:
    """What is shown of one volume."""
    return {
        "id": volume.id,
        "name": volume.name,
        "status": volume.status,
        "size": volume.size,
        "type": Optional(volume.volume_type),
        "attached_to": _attached(volume, _server_names([volume], client)),
        "bootable": volume.bootable,
        "read_only": volume.read_only,
        "encrypted": volume.encrypted,
        "multiattach": volume.multiattach,
        "snapshot_id": Optional(volume.snapshot_id),
        "source_id": Optional(volume.source_id),
        "description": Optional(volume.description),
        "properties": Pairs(volume.metadata),
        "image_properties": Pairs(volume.image_metadata),
        "availability_zone": Optional(volume.availability_zone),
        "host": Optional(volume.host),
        "migration_status": Optional(volume.migration_status),
        "project_id": volume.project_id,
        "user_id": volume.user_id,
        "created_at": Optional(volume.created_at),
        "updated_at": Optional(volume.updated_at),
    }


def _server_names(
    volumes: "Iterable[Volume]", client: "Client", *, all_projects: bool = False
) -> Mapping[str, str]:
    """The names of the servers that these volumes are attached to."""
    ids = {held.server_id for volume in volumes for held in volume.attachments}
    names: dict[str, str] = {}
    if not ids:
        return names
    try:
        if len(ids) == 1:
            (server_id,) = ids
            return {server_id: client.servers.get(server_id).name}
        filters = {"all_tenants": "1"} if all_projects else {}
        for server in client.servers.list(**filters):
            if server.id in ids:
                names[server.id] = server.name
            if len(names) == len(ids):
                break
    except errors.ApiError:
        # an id is shown instead: this is about volumes
        pass
    return names


def _attached(volume: "Volume", names: Mapping[str, str]) -> str:
    return ", ".join(
        f"{names.get(held.server_id) or held.server_id}"
        + (f" on {held.device}" if held.device else "")
        for held in volume.attachments
    )


class ListVolumes(Lister):
    """List the volumes of the project"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--name", help="only those called that")
        parser.add_argument("--status", help="only with this status, such as available")
        parser.add_argument("--project", help="only of this project (administrators)")
        parser.add_argument("--long", action="store_true", help="show more columns")
        common.add_project_filters(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        filters = common.project_filters(parsed_args)
        filters |= {"name": parsed_args.name, "status": parsed_args.status}
        if parsed_args.project:
            project_id = client.projects.find(parsed_args.project).id
            filters |= {"all_tenants": "1", "project_id": project_id}
        listed = client.volumes.list(**filters)
        volumes = [*itertools.islice(listed, parsed_args.limit)]
        names = _server_names(
            volumes, client, all_projects=filters["all_tenants"] is not None
        )
        columns: tuple[str, ...] = ("ID", "Name", "Status", "Size", "Attached to")
        if parsed_args.long:
            columns += ("Type", "Bootable", "Host", "Project ID", "Created", "Properties")
        rows = []
        for volume in volumes:
            row: tuple[Any, ...] = (
                volume.id, volume.name, volume.status, volume.size, _attached(volume, names),
            )  # fmt: skip
            if parsed_args.long:
                row += (
                    Optional(volume.volume_type),
                    volume.bootable,
                    Optional(volume.host),
                    volume.project_id,
                    Optional(volume.created_at),
                    Pairs(volume.metadata),
                )
            rows.append(row)
        return columns, rows


class VolumeSummary(ShowOne):
    """Count the volumes of the project and their GiB"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--all-projects", action="store_true", help="of all projects (administrators)"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        count, size = self.client.volumes.summary(all_projects=parsed_args.all_projects)
        return pairs({"count": count, "size": size})


class ShowVolume(ShowFound):
    """Show one volume"""

    noun = "volume"

    def found(self, name: str) -> dict[str, Any]:
        """The fields to show."""
        return fields(self.client.volumes.find(name), self.client)
