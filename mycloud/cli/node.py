"""``mycloud node join|start|stop|status|leave``: this machine as a compute host of a cloud."""

import argparse
import socket
import sys
from typing import Any

from mycloud.cli import exits
from mycloud.cli.command import Command, ShowOne, pairs
from mycloud.cli.local import add_state, chosen_layout
from mycloud.local import progress
from mycloud.local.node import join, life, record, self_test
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
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        layout = chosen_layout(parsed_args)
        with progress.told(self.app.stderr, quiet=self.app.quiet) as tell:
            found = record.load(layout)
            if found is not None:
                started, results = join.again(layout, found, tell)
                tell(
                    f"{found.name} has joined the cloud at {found.urls[0]} already"
                    + ("; what did not run was started" if started else "")
                )
                return _tell_results(results, tell)
            text = parsed_args.token
            token = join.parse(sys.stdin.readline() if text == "-" else text)
            wanted = join.choose(
                token, name=parsed_args.name, address=parsed_args.address,
                hypervisor=parsed_args.hypervisor,
            )
            found, results = join.join(layout, token, wanted, tell)
            tell(f"{found.name} has joined the cloud at {found.urls[0]}")
            return _tell_results(results, tell)


class Start(Command):
    """Start what does not run of a machine that has joined"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        add_state(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        layout = chosen_layout(parsed_args)
        with progress.told(self.app.stderr, quiet=self.app.quiet) as tell:
            started, results = join.again(layout, record.joined(layout), tell)
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
        layout = chosen_layout(parsed_args)
        if not life.stop(layout, self.app.tell, keep_guests=parsed_args.keep_guests):
            self.app.tell("Nothing runs")
        return exits.DONE


class Status(ShowOne):
    """Show what of a machine that has joined runs, and what the cloud knows of it"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        add_state(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        return pairs(life.status(chosen_layout(parsed_args)))


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
        layout = chosen_layout(parsed_args)
        found = life.leave(layout, self.app.tell, force=parsed_args.force)
        if parsed_args.remove_state:
            life.remove(layout)
        self.app.tell(f"{found.name} has left the cloud at {found.urls[0]}")
        return exits.DONE
