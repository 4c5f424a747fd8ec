"""``mycloud server start|stop|reboot|delete``."""

import abc
import argparse
from typing import TYPE_CHECKING, ClassVar

from mycloud.cli import arguments
from mycloud.cli.command import Command
from mycloud.cli.progress import Quiet, progress
from mycloud.common import states

if TYPE_CHECKING:
    from mycloud.client.resource import Accepted


class _Action(Command):
    """An action on one or more servers, all begun before the first is waited for."""

    wanted: ClassVar[str] = states.SERVER_STATUS[states.Vm.ACTIVE]
    wait_text: ClassVar[str] = "it is active"

    @abc.abstractmethod
    def act(self, server_id: str, parsed_args: argparse.Namespace) -> "Accepted":
        """Begin it."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("servers", nargs="+", metavar="SERVER", help="name or id")
        arguments.add_wait(parser, self.wait_text)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        begun: dict[str, Accepted] = {}

        def begin(name: str) -> None:
            begun[name] = self.act(self.client.servers.find(name).id, parsed_args)

        status = self.each(parsed_args.servers, begin)
        if parsed_args.wait:
            with progress(self.app.stderr, quiet=self.app.quiet) as shown:
                waited = self.each(
                    begun, lambda name: self.wait(begun[name], parsed_args, shown)
                )
            status = status or waited
        return status

    def wait(self, accepted: "Accepted", parsed_args: argparse.Namespace, shown: Quiet) -> None:
        """Until it is done."""
        self.client.servers.wait(
            accepted, status=self.wanted, timeout=parsed_args.timeout, on_change=shown.show
        )


class StartServer(_Action):
    """Start stopped servers"""

    def act(self, server_id: str, parsed_args: argparse.Namespace) -> "Accepted":
        return self.client.servers.start(server_id)


class StopServer(_Action):
    """Stop running servers: asks the guest first, then pulls the plug"""

    wanted = states.SERVER_STATUS[states.Vm.STOPPED]
    wait_text = "it is shut off"

    def act(self, server_id: str, parsed_args: argparse.Namespace) -> "Accepted":
        return self.client.servers.stop(server_id)


class RebootServer(_Action):
    """Reboot servers"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        kind = parser.add_mutually_exclusive_group()
        kind.add_argument(
            "--hard", action="store_true", help="without asking the guest; also repairs errors"
        )
        kind.add_argument(
            "--soft", dest="hard", action="store_false", help="ask the guest (the default)"
        )
        return parser

    def act(self, server_id: str, parsed_args: argparse.Namespace) -> "Accepted":
        return self.client.servers.reboot(server_id, hard=parsed_args.hard)


class DeleteServer(_Action):
    """Delete servers"""

    wait_text = "it is gone"

    def act(self, server_id: str, parsed_args: argparse.Namespace) -> "Accepted":
        return self.client.servers.delete(server_id)

    def wait(self, accepted: "Accepted", parsed_args: argparse.Namespace, shown: Quiet) -> None:
        """Until it is gone."""
        self.client.servers.wait_deleted(
            accepted, timeout=parsed_args.timeout, on_change=shown.show
        )
