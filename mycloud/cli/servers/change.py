"""``mycloud server set|unset|rename|lock|unlock``."""

import argparse

from mycloud.cli import arguments
from mycloud.cli.command import Command
from mycloud.cli.exits import UsageError


class SetServer(Command):
    """Change a server's name, description, metadata or tags"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="SERVER", help="name or id")
        parser.add_argument("--name", help="new name")
        parser.add_argument("--description", help="new text about it")
        arguments.add_properties(parser, "metadata to add or change")
        arguments.add_tags(parser, "tag to add")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        changes = arguments.given(parsed_args, ("name", "description"))
        if not (changes or parsed_args.properties or parsed_args.tags):
            raise UsageError("Nothing to change: give --name, --description, --property or --tag")
        servers = self.client.servers
        server = servers.find(parsed_args.server)
        if changes:
            servers.update(server.id, **changes)
        if parsed_args.properties:
            servers.set_metadata(server.id, dict(parsed_args.properties))
        for tag in parsed_args.tags:
            servers.add_tag(server.id, tag)


class UnsetServer(Command):
    """Remove a server's description, metadata or tags"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="SERVER", help="name or id")
        parser.add_argument("--description", action="store_true", help="remove it")
        arguments.add_unset_properties(parser)
        arguments.add_tags(parser, "tag to remove")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if not (parsed_args.description or parsed_args.properties or parsed_args.tags):
            raise UsageError("Nothing to remove: give --description, --property or --tag")
        servers = self.client.servers
        server = servers.find(parsed_args.server)
        if parsed_args.description:
            servers.update(server.id, description=None)
        for key in parsed_args.properties:
            servers.unset_metadata(server.id, key)
        for tag in parsed_args.tags:
            servers.remove_tag(server.id, tag)


class RenameServer(Command):
    """Give a server another name"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="SERVER", help="name or id")
        parser.add_argument("name", metavar="NAME", help="new name")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        servers = self.client.servers
        servers.update(servers.find(parsed_args.server).id, name=parsed_args.name)


class LockServer(Command):
    """Lock servers against changes"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("servers", nargs="+", metavar="SERVER", help="name or id")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        servers = self.client.servers
        return self.each(parsed_args.servers, lambda name: servers.lock(servers.find(name).id))


class UnlockServer(Command):
    """Let servers be changed again"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("servers", nargs="+", metavar="SERVER", help="name or id")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        servers = self.client.servers
        return self.each(parsed_args.servers, lambda name: servers.unlock(servers.find(name).id))
