"""``mycloud host network``: the networks of a host, as a document."""

import argparse
import datetime
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cliff.columns import FormattableColumn

from mycloud.cli import arguments, exits
from mycloud.cli.columns import Optional
from mycloud.cli.command import Command, ShowOne, pairs
from mycloud.cli.exits import UsageError
from mycloud.cli.progress import progress


class _Document(FormattableColumn[Any]):
    """A document: YAML in tables."""

    def human_readable(self) -> str:
        return _yaml(self._value).rstrip("\n") if self._value else ""


class ShowNetwork(ShowOne):
    """Show how the networks of a host are set up (administrators)

    What the cloud has set up, and how the last change ended. All links and addresses that a host
    has: 'mycloud host show'.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST", help="name or id")
        parser.add_argument(
            "--document", action="store_true",
            help="print only the document, as 'host network apply' takes it",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        found = self.client.host_networks.get(parsed_args.host)
        self._text = _yaml(found.document) if parsed_args.document else ""
        return pairs(
            {
                "host": found.host,
                "backend": found.backend,
                "document": _Document(found.document),
                "under_way": _Document(found.armed),
                "last_change": Optional(_ended(found.last)),
            }
        )

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Any
    ) -> int:
        if parsed_args.document:
            self.app.stdout.write(self._text)
            return exits.DONE
        return int(super().produce_output(parsed_args, column_names, data) or exits.DONE)


class ApplyNetwork(Command):
    """Change the networks of a host to what a document says (administrators)

    The host goes back by itself if the cloud does not reach it after the change.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST", help="name or id")
        parser.add_argument(
            "file", metavar="FILE", help="the document, YAML or JSON; - for standard input"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only show what would be done"
        )
        parser.add_argument(
            "--rollback-after", type=arguments.seconds, metavar="SECONDS",
            help="how long the cloud may take to reach the host again, 1 to 3600 (default: as the "
            "document says, else 120)",
        )
        arguments.add_wait(parser, "the change is committed")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        document = _read(parsed_args.file)
        networks = self.client.host_networks
        if parsed_args.dry_run:
            self._show(networks.plan(parsed_args.host, document).lines)
            return exits.DONE
        plan, accepted = networks.apply(
            parsed_args.host, document, rollback_after=parsed_args.rollback_after
        )
        self._show(plan.lines)
        assert accepted.operation_id is not None
        if not parsed_args.wait:
            self.app.tell(f"Under way: mycloud why {accepted.operation_id}")
            return exits.DONE
        with progress(self.app.stderr, quiet=self.app.quiet) as shown:
            self.client.operations.wait(
                accepted.operation_id, timeout=parsed_args.timeout, on_change=shown.show
            )
        return exits.DONE

    def _show(self, lines: Sequence[str]) -> None:
        for line in lines or ("All is as it shall be",):
            self.app.stdout.write(f"{line}\n")


def _read(name: str) -> Mapping[str, Any]:
    """:raises UsageError: names the file, and what is wrong with it"""
    import yaml

    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        found = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} can't be read: {error}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{name} is neither YAML nor JSON: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise UsageError(
            f"{name} must be a document with 'networks': see 'mycloud host network show "
            "--document'"
        )
    return found


def _yaml(document: Mapping[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(dict(document), sort_keys=False))


def _ended(last: Mapping[str, Any] | None) -> str | None:
    if last is None:
        return None
    at = datetime.datetime.fromtimestamp(last["at"], datetime.UTC).isoformat(timespec="seconds")
    why = f": {last['reason']}" if last["reason"] else ""
    problems = f" (not restored: {'; '.join(last['problems'])})" if last["problems"] else ""
    return f"{last['outcome']} at {at}{why}{problems}"
