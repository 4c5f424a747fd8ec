"""``mycloud volume drain``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from mycloud.cli import arguments, exits
from mycloud.cli.command import Lister
from mycloud.cli.progress import progress
from mycloud.client import errors

_MOVED, _STAYS = "moved", "stays"


class DrainBackend(Lister):
    """Bring all volumes of a backend elsewhere, one after another (administrators)

    The backend gets no new volumes from then on. Volumes that servers use go on being used. What
    was interrupted goes on when the command is given again.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("backend", metavar="HOST@BACKEND", help="which one")
        parser.add_argument(
            "--to", metavar="HOST@BACKEND#POOL", help="where to (default: wherever they fit)"
        )
        parser.add_argument(
            "--at-once",
            type=arguments.whole_number(1),
            default=1,
            metavar="N",
            help="move that many at a time (default: 1)",
        )
        parser.add_argument(
            "--timeout",
            type=arguments.seconds,
            default=3600.0,
            metavar="SECONDS",
            help="wait that long at most for each volume (default: %(default)g)",
        )
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """As others; 1 if a volume stays."""
        self._stays = False
        return super().run(parsed_args) or (exits.FAILED if self._stays else exits.DONE)

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        moved: dict[str, str] = {}
        failed: dict[str, str] = {}
        services = self.client.volume_services
        while True:
            found = services.drain(
                parsed_args.backend, to=parsed_args.to, at_once=parsed_args.at_once,
                skip=sorted(failed),
            )
            if not found.moving:
                break
            for volume_id, operation_id in found.moving.items():
                self._wait(volume_id, operation_id, parsed_args, (moved, failed))
        staying = {**found.staying, **failed}
        self._stays = bool(staying)
        rows = [(volume_id, _MOVED, "") for volume_id in moved]
        rows += [(volume_id, _STAYS, reason) for volume_id, reason in staying.items()]
        return ("Volume", "Outcome", "Reason"), rows

    def _wait(
        self, volume_id: str, operation_id: str, parsed_args: argparse.Namespace,
        outcome: tuple[dict[str, str], dict[str, str]],
    ) -> None:
        moved, failed = outcome
        try:
            with progress(self.app.stderr, quiet=self.app.quiet) as shown:
                self.client.operations.wait(
                    operation_id, timeout=parsed_args.timeout, on_change=shown.show
                )
        except errors.OperationFailed as error:
            failed[volume_id] = error.operation.reason or error.operation.state
        else:
            moved[volume_id] = operation_id
