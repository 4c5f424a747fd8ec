"""``mycloud role``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud import client as library
from mycloud.cli import arguments
from mycloud.cli.columns import Optional
from mycloud.cli.command import Command, Lister, ShowFound, ShowOne, pairs
from mycloud.cli.exits import UsageError

if TYPE_CHECKING:
    from mycloud.client.connection import Client
    from mycloud.client.roles import Role, Scope


def _fields(role: "Role") -> dict[str, Any]:
    return {
        "id": role.id,
        "name": role.name,
        "domain_id": Optional(role.domain_id),
        "description": role.description,
    }


class CreateRole(ShowOne):
    """Create a role"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME", help="what to call it")
        parser.add_argument("--description", help="a text about it")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        role = self.client.roles.create(parsed_args.name, description=parsed_args.description)
        return pairs(_fields(role))


class ListRoles(Lister):
    """List the roles"""

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        return ("ID", "Name"), [(role.id, role.name) for role in self.client.roles.list()]


class ShowRole(ShowFound):
    """Show one role"""

    noun = "role"

    def found(self, name: str) -> dict[str, Any]:
        """The fields to show."""
        return _fields(self.client.roles.find(name))


class DeleteRole(Command):
    """Delete roles"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("roles", nargs="+", metavar="ROLE", help="name or id")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        roles = self.client.roles
        return self.each(parsed_args.roles, lambda name: roles.delete(roles.find(name).id))


class SetRole(Command):
    """Change a role"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("role", metavar="ROLE", help="name or id")
        parser.add_argument("--name", help="new name")
        parser.add_argument("--description", help="new text about it")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        changes = arguments.given(parsed_args, ("name", "description"))
        if not changes:
            raise UsageError("Nothing to change: give --name or --description")
        roles = self.client.roles
        roles.update(roles.find(parsed_args.role).id, changes)


def _add_scope(parser: argparse.ArgumentParser, *, required: bool) -> None:
    scope = parser.add_mutually_exclusive_group(required=required)
    scope.add_argument("--project", metavar="PROJECT", help="on this project (name or id)")
    scope.add_argument("--domain", metavar="DOMAIN", help="on this domain (name or id)")
    scope.add_argument("--system", action="store_true", help="on the whole cloud")


def _scope(client: "Client", parsed_args: argparse.Namespace) -> "Scope":
    if parsed_args.project:
        return library.Scope(project_id=client.projects.find(parsed_args.project).id)
    if parsed_args.domain:
        return library.Scope(domain_id=client.domains.find(parsed_args.domain).id)
    return library.Scope()


def _add_grant(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("role", metavar="ROLE", help="name or id")
    parser.add_argument("--user", required=True, metavar="USER", help="name or id")
    _add_scope(parser, required=True)


class AddRole(Command):
    """Give a user a role on a project, a domain or the whole cloud"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_grant(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        client = self.client
        role, user = client.roles.find(parsed_args.role), client.users.find(parsed_args.user)
        client.roles.grant(role.id, user.id, _scope(client, parsed_args))


class RemoveRole(Command):
    """Take a role away from a user"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_grant(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        client = self.client
        role, user = client.roles.find(parsed_args.role), client.users.find(parsed_args.user)
        client.roles.revoke(role.id, user.id, _scope(client, parsed_args))


class ListAssignments(Lister):
    """List who has which role where"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--user", metavar="USER", help="only of this user (name or id)")
        parser.add_argument("--role", metavar="ROLE", help="only of this role (name or id)")
        parser.add_argument(
            "--effective", action="store_true", help="also roles that other roles imply"
        )
        _add_scope(parser, required=False)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        filters: dict[str, Any] = {
            "effective": parsed_args.effective,
            "system": parsed_args.system,
        }
        for name, collection in (
            ("user", client.users),
            ("role", client.roles),
            ("project", client.projects),
            ("domain", client.domains),
        ):
            wanted = getattr(parsed_args, name)
            if wanted:
                filters[f"{name}_id"] = collection.find(wanted).id
        return ("Role", "User", "Group", "Project", "Domain", "System"), [
            (one.role, one.user, one.group, one.project, one.domain, "all" if one.system else "")
            for one in client.roles.assignments(**filters)
        ]
