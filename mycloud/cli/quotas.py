"""``mycloud quota``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud.cli import arguments
from mycloud.cli.command import Command, Lister
from mycloud.cli.exits import UsageError
from mycloud.client import defaults

if TYPE_CHECKING:
    from mycloud.client.connection import Client

#: option -> (name in the compute API, help)
_LIMITS = {
    "--instances": ("instances", "servers"),
    "--cores": ("cores", "processors of all servers"),
    "--ram": ("ram", "memory of all servers in MiB"),
    "--key-pairs": ("key_pairs", "key pairs of a user"),
    "--metadata-items": ("metadata_items", "metadata of one server"),
    "--server-groups": ("server_groups", "server groups"),
    "--server-group-members": ("server_group_members", "servers in one group"),
    "--volumes": ("volumes", "volumes"),
    "--snapshots": ("snapshots", "snapshots of volumes"),
    "--gigabytes": ("gigabytes", "GiB of all volumes and snapshots"),
    "--per-volume-gigabytes": ("per_volume_gigabytes", "GiB of one volume"),
    "--backups": ("backups", "backups of volumes"),
    "--backup-gigabytes": ("backup_gigabytes", "GiB of all backups"),
}
#: Those that volumes of one type have, too.
_OF_TYPES = ("volumes", "snapshots", "gigabytes")


def _project_id(client: "Client", name_or_id: str | None) -> str:
    return client.projects.find(name_or_id).id if name_or_id else client.project_id


class ShowQuota(Lister):
    """Show what a project may have, and has"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "project", nargs="?", metavar="PROJECT", help="name or id (default: yours)"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        quotas = client.quotas.get(_project_id(client, parsed_args.project))
        return ("Resource", "In Use", "Reserved", "Limit"), [
            (
                quota.resource,
                quota.in_use,
                quota.reserved,
                "unlimited" if quota.limit == defaults.UNLIMITED else quota.limit,
            )
            for quota in quotas
        ]


class SetQuota(Command):
    """Change what a project may have; -1 is unlimited"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("project", metavar="PROJECT", help="name or id")
        for option, (name, text) in _LIMITS.items():
            parser.add_argument(
                option,
                dest=name,
                type=arguments.whole_number(defaults.UNLIMITED),
                metavar="N",
                help=f"at most so many {text}",
            )
        parser.add_argument(
            "--volume-type",
            metavar="TYPE",
            help="--volumes, --snapshots and --gigabytes count only this type of volumes",
        )
        parser.add_argument(
            "--force", action="store_true", help="also below what is in use already"
        )
        parser.add_argument("--reset", action="store_true", help="back to the defaults")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        names = [name for name, _ in _LIMITS.values()]
        values = vars(parsed_args)
        limits = {name: values[name] for name in names if values[name] is not None}
        if parsed_args.reset == bool(limits):
            raise UsageError("Give limits such as --cores 8, or --reset alone")
        client = self.client
        if parsed_args.volume_type:
            others = set(limits) - set(_OF_TYPES)
            if others or not limits:
                raise UsageError("--volume-type goes with --volumes, --snapshots, --gigabytes")
            kind = client.volume_types.find(parsed_args.volume_type)
            limits = {f"{name}_{kind.name}": limit for name, limit in limits.items()}
        project_id = client.projects.find(parsed_args.project).id
        if parsed_args.reset:
            client.quotas.reset(project_id)
        else:
            client.quotas.set(project_id, limits, force=parsed_args.force)
