"""``mycloud project``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud.cli import arguments
from mycloud.cli.columns import Names
from mycloud.cli.command import Command, Lister, ShowFound, ShowOne, pairs
from mycloud.cli.exits import UsageError

if TYPE_CHECKING:
    from mycloud.client.projects import Project


def _fields(project: "Project") -> dict[str, Any]:
    return {
        "id": project.id,
        "name": project.name,
        "domain_id": project.domain_id,
        "enabled": project.enabled,
        "description": project.description,
        "tags": Names(project.tags),
    }


class CreateProject(ShowOne):
    """Create a project"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME", help="what to call it")
        arguments.add_domain(parser, "domain to make it in (default: yours)")
        parser.add_argument("--description", help="a text about it")
        arguments.add_enabled(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        domain = client.domains.find(parsed_args.domain).id if parsed_args.domain else None
        project = client.projects.create(
            parsed_args.name,
            domain_id=domain,
            description=parsed_args.description,
            enabled=parsed_args.enabled is not False,
        )
        return pairs(_fields(project))


class ListProjects(Lister):
    """List the projects; your own, if you may not see others"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        arguments.add_domain(parser, "only of this domain")
        parser.add_argument("--mine", action="store_true", help="only those you have a role in")
        parser.add_argument("--long", action="store_true", help="show more columns")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        filters = {}
        if parsed_args.domain:
            filters["domain_id"] = client.domains.find(parsed_args.domain).id
        projects = client.projects.mine() if parsed_args.mine else client.projects.list(**filters)
        columns: tuple[str, ...] = ("ID", "Name")
        if parsed_args.long:
            columns += ("Domain ID", "Description", "Enabled")
        rows = []
        for project in projects:
            row: tuple[Any, ...] = (project.id, project.name)
            if parsed_args.long:
                row += (project.domain_id, project.description, project.enabled)
            rows.append(row)
        return columns, rows


class ShowProject(ShowFound):
    """Show one project"""

    noun = "project"

    def found(self, name: str) -> dict[str, Any]:
        """The fields to show."""
        return _fields(self.client.projects.find(name))


class DeleteProject(Command):
    """Delete projects"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("projects", nargs="+", metavar="PROJECT", help="name or id")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        projects = self.client.projects
        return self.each(
            parsed_args.projects, lambda name: projects.delete(projects.find(name).id)
        )


class SetProject(Command):
    """Change a project"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("project", metavar="PROJECT", help="name or id")
        parser.add_argument("--name", help="new name")
        parser.add_argument("--description", help="new text about it")
        arguments.add_enabled(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        changes = arguments.given(parsed_args, ("name", "description", "enabled"))
        if not changes:
            raise UsageError("Nothing to change: give at least one option, such as --name")
        projects = self.client.projects
        projects.update(projects.find(parsed_args.project).id, changes)
