"""``mycloud privileged``: what the root helper does for the services of this machine."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mycloud.cli.command import Lister
from mycloud.cli.exits import UsageError
from mycloud.local import layout as local_layout
from mycloud.privileged import client, discovery, errors


class ListVerbs(Lister):
    """List all that the root helper does, and does with root's rights

    It is the list of this version of mycloud. Where a helper runs that offers another one, that
    is told.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--state", type=Path, metavar="DIR",
            help="the state directory of the helper to compare with (default: "
            f"{local_layout.default_state()})",
        )
        parser.add_argument(
            "--verbs-dir", type=Path, metavar="DIR", help="an operator's folder of further verbs"
        )
        parser.add_argument(
            "--verbs-prefix", metavar="NAME", default="site", help="what their names begin with"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        try:
            found = discovery.find(parsed_args.verbs_dir, parsed_args.verbs_prefix)
        except discovery.DiscoveryFailed as error:
            raise UsageError(str(error)) from None
        verbs = {name: verb.describe() for name, verb in found.items()}
        self._compare(verbs, parsed_args.state or local_layout.default_state())
        columns = ("Name", "Arguments", "Touches", "Idempotent", "Deadline", "Source")
        return columns, [
            (
                verb["name"],
                "\n".join(_argument(each) for each in verb["arguments"]),
                verb["touches"],
                verb["idempotent"],
                f"{verb['deadline']:g} s",
                verb["source"],
            )
            for verb in verbs.values()
        ]

    def _compare(self, verbs: dict[str, dict[str, Any]], state: Path) -> None:
        place = state.expanduser().absolute() / client.SOCKET_IN_STATE
        try:
            running = client.Client(place, retry=client.Retry(tries=1)).verbs()
        except errors.HelperUnavailable:
            self.app.tell("No root helper answers here; this is what this version has")
            return
        for text, names in (
            ("lacks", verbs.keys() - running.keys()),
            ("has, beside these,", running.keys() - verbs.keys()),
            (
                "has another form of",
                {name for name in verbs.keys() & running.keys() if verbs[name] != running[name]},
            ),
        ):
            if names:
                self.app.tell(f"The helper that runs {text} {', '.join(sorted(names))}")


def _argument(told: dict[str, Any]) -> str:
    name = told["name"] if told["required"] else f"[{told['name']}]"
    return f"{name}: {told['wants']}"
