"""``mycloud node join|start|stop|status|leave``: this machine as a compute host of a cloud."""

import argparse
import socket
import sys
from typing import Any

from mycloud.cli import exits
from mycloud.cli.app import MycloudApp
from mycloud.cli.command import Command, ShowOne, pairs
from mycloud.cli.local import add_state, chosen_layout
from mycloud.local import progress, service_user
from mycloud.local.node import as_root, join, life, record, self_test
from mycloud.local.settings import Tell


def _tell_results(results: list[self_test.Result], tell: Tell) -> int:
    """Show what a self-test has found; returns the exit status."""
    for result in results:
        tell(f"{result.check}: {result.detail}" if result.problem is None else
             f"{result.check}: {result.problem}")
    good = all(result.problem is None for result in results)
    return exits.DONE if good else exits.FAILED


class Join(Command):
    """Make this machine a compute host of a cloud

    The token is made by 'mycloud node token create' there. Where the machine has joined already,
    what does not run is started.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        add_state(parser)
        parser.add_argument(
            "token", metavar="TOKEN", help="as it was shown; - reads it from standard input"
        )
        parser.add_argument(
            "--name", default=socket.gethostname(),
            help="of the host, as the cloud is to know it (default: %(default)s)",
        )
        parser.add_argument(
            "--address",
            help="at which other hosts reach this one (default: the one by which it reaches the "
            "cloud)",
        )
        parser.add_argument(
            "--hypervisor", choices=["libvirt", "fake"], default="libvirt",
            help="fake runs no guests (for tests)",
        )
        parser.add_argument(
            "--user", metavar="NAME",
            help="an ordinary user to run the programs, where root starts them (default: "
            f"{service_user.NAME})",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        layout = chosen_layout(parsed_args)
        with progress.told(self.app.stderr, quiet=self.app.quiet) as tell:
            found = record.load(layout)
            if found is not None:
                as_root.enter(layout, found, tell)
                started, results = join.again(layout, found, tell)
                tell(
                    f"{found.name} has joined the cloud at {found.urls[0]} already"
                    + ("; what did not run was started" if started else "")
                )
                return _tell_results(results, tell)
            text = parsed_args.token
            token = join.parse(sys.stdin.readline() if text == "-" else text)
            user = service_user.chosen(None, parsed_args.user)
            if user is not None:
                return as_root.join(layout, user, self._words(parsed_args), token.text(), tell)
            wanted = join.choose(
                token, name=parsed_args.name, address=parsed_args.address,
                hypervisor=parsed_args.hypervisor,
            )
            found, results = join.join(layout, token, wanted, tell)
            tell(f"{found.name} has joined the cloud at {found.urls[0]}")
            return _tell_results(results, tell)


    def _words(self, args: argparse.Namespace) -> list[str]:
        """This command, for another user."""
        words = [*_quiet(self.app), "node", "join", "-", "--name", args.name]
        words += ["--hypervisor", args.hypervisor]
        return words + (["--address", args.address] if args.address else [])


def _quiet(app: MycloudApp) -> list[str]:
    return ["--quiet"] if app.quiet else []


class Start(Command):
    """Start what does not run of a machine that has joined"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        add_state(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        layout = chosen_layout(parsed_args)
        with progress.told(self.app.stderr, quiet=self.app.quiet) as tell:
            found = record.joined(layout)
            as_root.enter(layout, found, tell)
            started, results = join.again(layout, found, tell)
            if not started:
                tell("Everything runs already")
            return _tell_results(results, tell)


class Stop(Command):
    """Stop what runs here; the machine stays one of the cloud"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        add_state(parser)
        parser.add_argument(
            "--keep-guests", action="store_true", help="let guests run on without their cloud"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        layout, keep = chosen_layout(parsed_args), parsed_args.keep_guests
        words = [*_quiet(self.app), "node", "stop", *(["--keep-guests"] if keep else [])]
        code = as_root.stop(layout, record.joined(layout), words, self.app.tell)
        if code is not None:
            return code
        if not life.stop(layout, self.app.tell, keep_guests=keep):
            self.app.tell("Nothing runs")
        return exits.DONE


class Status(ShowOne):
    """Show what of a machine that has joined runs, and what the cloud knows of it"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        add_state(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        layout = chosen_layout(parsed_args)
        service_user.enter(layout, record.joined(layout).settings)
        return pairs(life.status(layout))


class Leave(Command):
    """Take this machine out of its cloud: no servers come to it, and nothing runs on it"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        add_state(parser)
        parser.add_argument(
            "--force", action="store_true",
            help="leave servers behind, and leave even if the cloud can't be told",
        )
        parser.add_argument(
            "--remove-state", action="store_true", help="remove the state directory, too"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        layout, force = chosen_layout(parsed_args), parsed_args.force
        words = [*_quiet(self.app), "node", "leave", *(["--force"] if force else [])]
        code = as_root.stop(layout, record.joined(layout), words, self.app.tell)
        if code:
            return code
        if code is None:
            found = life.leave(layout, self.app.tell, force=force)
            self.app.tell(f"{found.name} has left the cloud at {found.urls[0]}")
        if parsed_args.remove_state:
            as_root.remove(layout)
            self.app.tell(f"{layout.state} is removed")
        return exits.DONE
