"""``mycloud user``."""

import argparse
import getpass
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud.cli import arguments
from mycloud.cli.columns import Optional
from mycloud.cli.command import Command, Lister, ShowFound, ShowOne, pairs
from mycloud.cli.exits import UsageError

if TYPE_CHECKING:
    from mycloud.client.users import User


def _fields(user: "User") -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "domain_id": user.domain_id,
        "default_project_id": Optional(user.default_project_id),
        "enabled": user.enabled,
        "email": Optional(user.email),
        "description": user.description,
        "password_expires_at": Optional(user.password_expires_at),
    }


def _add_attributes(parser: argparse.ArgumentParser) -> None:
    """Options of both create and set."""
    password = parser.add_mutually_exclusive_group()
    password.add_argument("--password", help="password; others on this machine may see it")
    password.add_argument(
        "--password-prompt", action="store_true", help="ask for the password on the terminal"
    )
    parser.add_argument("--project", metavar="PROJECT", help="default project (name or id)")
    parser.add_argument("--email", help="e-mail address")
    parser.add_argument("--description", help="a text about the user")
    arguments.add_enabled(parser)


def _ask_password() -> str:
    first = getpass.getpass("Password of the user: ")
    if not first:
        raise UsageError("The password is empty")
    if first != getpass.getpass("The same again: "):
        raise UsageError("The two passwords differ")
    return first


class CreateUser(ShowOne):
    """Create a user"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME", help="what to call the user")
        arguments.add_domain(parser, "domain to make the user in (default: yours)")
        _add_attributes(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        attributes = arguments.given(
            parsed_args, ("name", "password", "email", "description", "enabled")
        )
        if parsed_args.domain:
            attributes["domain_id"] = client.domains.find(parsed_args.domain).id
        if parsed_args.project:
            attributes["default_project_id"] = client.projects.find(parsed_args.project).id
        if parsed_args.password_prompt:
            attributes["password"] = _ask_password()
        return pairs(_fields(client.users.create(attributes)))


class ListUsers(Lister):
    """List the users"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        arguments.add_domain(parser, "only of this domain")
        parser.add_argument("--long", action="store_true", help="show more columns")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        client = self.client
        filters = {}
        if parsed_args.domain:
            filters["domain_id"] = client.domains.find(parsed_args.domain).id
        columns: tuple[str, ...] = ("ID", "Name")
        if parsed_args.long:
            columns += ("Domain ID", "Default Project ID", "Email", "Enabled")
        rows = []
        for user in client.users.list(**filters):
            row: tuple[Any, ...] = (user.id, user.name)
            if parsed_args.long:
                row += (
                    user.domain_id,
                    Optional(user.default_project_id),
                    Optional(user.email),
                    user.enabled,
                )
            rows.append(row)
        return columns, rows


class ShowUser(ShowFound):
    """Show one user"""

    noun = "user"

    def found(self, name: str) -> dict[str, Any]:
        """The fields to show."""
        return _fields(self.client.users.find(name))


class DeleteUser(Command):
    """Delete users"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("users", nargs="+", metavar="USER", help="name or id")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        users = self.client.users
        return self.each(parsed_args.users, lambda name: users.delete(users.find(name).id))


class SetUser(Command):
    """Change a user"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("user", metavar="USER", help="name or id")
        parser.add_argument("--name", help="new name")
        _add_attributes(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        client = self.client
        changes = arguments.given(
            parsed_args, ("name", "password", "email", "description", "enabled")
        )
        if parsed_args.project:
            changes["default_project_id"] = client.projects.find(parsed_args.project).id
        if parsed_args.password_prompt:
            changes["password"] = _ask_password()
        if not changes:
            raise UsageError("Nothing to change: give at least one option, such as --password")
        client.users.update(client.users.find(parsed_args.user).id, changes)
