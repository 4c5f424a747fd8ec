"""``mycloud up|down|status``: a cloud on this machine."""

import argparse
from pathlib import Path
from typing import Any

from mycloud.cli import exits
from mycloud.cli.command import Command, Lister, ShowOne, pairs
from mycloud.local import (
    doctor,
    first_server,
    first_volume,
    lifecycle,
    progress,
    service_user,
    settings,
    status,
    summary,
)
from mycloud.local import layout as local_layout


def add_state(parser: argparse.ArgumentParser) -> None:
    """The option that says which cloud on this machine is meant."""
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="the directory under which everything lies that the cloud keeps (default: "
        f"{local_layout.default_state()})",
    )


def chosen_layout(args: argparse.Namespace) -> local_layout.Layout:
    """The files of the cloud that is meant."""
    state: Path = args.state or local_layout.default_state()
    return local_layout.Layout(state.expanduser().absolute())


def enter(layout: local_layout.Layout) -> None:
    """Look at a cloud as its user, where root looks."""
    found = settings.load(layout)
    if found is not None:
        service_user.enter(layout, found)


class Up(Command):
    """Start a cloud on this machine, or what of it does not run.

    What it is told once is remembered in the state directory.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        add_state(parser)
        parser.add_argument("--port", type=_port, help="port of the APIs (default: 8774)")
        parser.add_argument(
            "--listen",
            metavar="ADDRESS",
            help="address of the APIs (default: 127.0.0.1, for this machine only)",
        )
        parser.add_argument(
            "--hypervisor", choices=["libvirt", "fake"], help="fake runs no guests (for tests)"
        )
        parser.add_argument(
            "--libvirt-uri",
            metavar="URI",
            help="a libvirt that runs already (default: a private libvirtd under --state)",
        )
        parser.add_argument(
            "--hosts", type=_count, metavar="N", help="compute hosts on this machine (default: 1)"
        )
        parser.add_argument(
            "--processes",
            action="store_true",
            default=None,
            help="one process per service; needs --transport-url and --database",
        )
        parser.add_argument("--transport-url", metavar="URL", help="rabbit://user:password@host/")
        parser.add_argument(
            "--database", metavar="URL", help="SQLAlchemy's URL (default: SQLite under --state)"
        )
        parser.add_argument(
            "--workers", type=_count, metavar="N", help="processes of the API (with --processes)"
        )
        parser.add_argument(
            "--user",
            metavar="NAME",
            help="an ordinary user to run the services, where root starts them (default: "
            f"{service_user.NAME})",
        )
        parser.add_argument(
            "--first-server",
            action="store_true",
            help="make flavors, the image 'tiny' and the server 'hello', and show its console",
        )
        return parser

    def take_action(self, args: argparse.Namespace) -> int:
        layout = chosen_layout(args)
        given = {
            name: getattr(args, name)
            for name in (
                "port", "listen", "hypervisor", "libvirt_uri", "processes", "transport_url",
                "database", "workers",
            )
        }
        before = settings.load(layout)
        given["user"] = service_user.chosen(before, args.user)
        chosen = settings.choose(before, {**given, "count": args.hosts})
        with progress.told(self.app.stderr, quiet=self.app.quiet) as tell:
            if not lifecycle.up(layout, chosen, tell):
                tell("The cloud runs already")
            if args.first_server:
                server = first_server.ensure(layout, chosen, tell)
                first_volume.ensure(layout, chosen, server, tell)
        self.app.stdout.write(summary.of(layout, first_server=args.first_server))
        return exits.DONE


class Down(Command):
    """Stop a cloud on this machine. Servers' disks and the database stay."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        add_state(parser)
        parser.add_argument(
            "--keep-guests", action="store_true", help="let guests run on without their cloud"
        )
        parser.add_argument(
            "--remove-state",
            action="store_true",
            help="remove the state directory, too: servers' disks, images, the database",
        )
        return parser

    def take_action(self, args: argparse.Namespace) -> int:
        layout = chosen_layout(args)
        words = ["down", *(["--keep-guests"] if args.keep_guests else [])]
        quiet = ["--quiet"] if self.app.quiet else []
        code = lifecycle.down_as_root(layout, self.app.tell, [*quiet, *words])
        if code:
            return code
        if code is None and not lifecycle.down(
            layout, self.app.tell, keep_guests=args.keep_guests
        ):
            self.app.tell("Nothing runs")
        if args.remove_state and lifecycle.remove(layout):
            self.app.tell(f"{layout.state} is removed")
        return exits.DONE


class Status(ShowOne):
    """Show what of a cloud on this machine runs, and how it is reached."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        add_state(parser)
        return parser

    def take_action(self, args: argparse.Namespace) -> Any:
        layout = chosen_layout(args)
        enter(layout)
        return pairs(status.of(layout))


class Doctor(Lister):
    """Look for what is wrong with a cloud on this machine; every finding has a remedy.

    The exit status is 0 only if there is none.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        add_state(parser)
        return parser

    def take_action(self, args: argparse.Namespace) -> Any:
        self._healthy = True
        rows = []
        layout = chosen_layout(args)
        enter(layout)
        for result in doctor.examine(layout):
            if result.skipped is not None:
                self._healthy = False
                rows.append((result.check, f"not looked at: {result.skipped}", ""))
            for finding in result.findings:
                self._healthy = False
                rows.append((result.check, finding.problem, finding.remedy))
        return ("Check", "Finding", "Remedy"), rows

    def run(self, parsed_args: argparse.Namespace) -> int:
        status = super().run(parsed_args)
        if status == exits.DONE and self._healthy:
            self.app.tell("Nothing is wrong")
        return status if status or self._healthy else exits.FAILED


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1000:
        raise argparse.ArgumentTypeError("it must be from 1 to 1000")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError("it must be from 1 to 65535")
    return number
