"""What all commands are made of.

Beside cliff's own bases: the connection to the cloud, one way of telling errors, and output
formats that are found without scanning the installed packages.
"""

import abc
import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from cliff import command, lister, show
from cliff.formatters import base, commaseparated, json_format, shell, table, value, yaml_format

from mycloud.cli import exits
from mycloud.cli.app import MycloudApp
from mycloud.client import errors

if TYPE_CHECKING:
    from mycloud.client.connection import Client

T = TypeVar("T")


class _CsvOne(commaseparated.CSVLister, base.SingleFormatter):
    """One resource as a head line and a row: cliff has CSV only for lists."""

    def emit_one(
        self, column_names: Any, data: Any, stdout: Any, parsed_args: argparse.Namespace
    ) -> None:
        self.emit_list(column_names, [data], stdout, parsed_args)


_LIST_FORMATS: dict[str, Callable[[], base.Formatter]] = {
    "csv": commaseparated.CSVLister,
    "json": json_format.JSONFormatter,
    "table": table.TableFormatter,
    "value": value.ValueFormatter,
    "yaml": yaml_format.YAMLFormatter,
}
_ONE_FORMATS = _LIST_FORMATS | {"csv": _CsvOne, "shell": shell.ShellFormatter}


class _Format:
    """A format in the shape of the plug-in that cliff expects."""

    def __init__(self, formatter: base.Formatter):
        self.obj = formatter


class _Formats:
    """The formats of a command in the shape of the plug-in manager that cliff expects."""

    def __init__(self, kinds: dict[str, Callable[[], base.Formatter]]):
        self._formats = {name: _Format(kind()) for name, kind in kinds.items()}

    def names(self) -> list[str]:
        return list(self._formats)

    def __iter__(self) -> Iterator[_Format]:
        return iter(self._formats.values())

    def __getitem__(self, name: str) -> _Format:
        return self._formats[name]


class _Base(command.Command):
    """The part that commands of every kind share."""

    app: MycloudApp

    @property
    def client(self) -> "Client":
        return self.app.client

    def _load_hooks(self) -> None:
        # cliff would scan the installed packages for extensions of each command
        self._hooks = []

    def get_epilog(self) -> str:
        """What stands below the options in the help."""
        return self._epilog or ""

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run the command; returns the exit status."""
        try:
            return super().run(parsed_args)
        except errors.ClientError as error:
            return self.app.report(error)
        except (KeyError, TypeError, AttributeError) as error:
            unexpected = errors.ClientError(
                "The cloud's answer is not what was expected "
                f"({type(error).__name__}: {error}); run again with --debug and report it"
            )
            unexpected.__cause__ = error
            return self.app.report(unexpected)

    def each(self, names: Iterable[str], act: Callable[[str], Any]) -> int:
        """Do it for every name, whatever happens to the others; returns the exit status."""
        status = exits.DONE
        for name in names:
            try:
                act(name)
            except errors.ClientError as error:
                status = self.app.report(error)
        return status


class Command(_Base):
    """A command that does something and prints nothing, or text of its own."""


class _Printer(_Base):
    """A command that prints tables, as wide as the terminal if there is one."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.set_defaults(fit_width=sys.stdout.isatty())
        return parser


class Lister(_Printer, lister.Lister):
    """A command that prints rows."""

    def _load_formatter_plugins(self) -> Any:
        return _Formats(_LIST_FORMATS)


class ShowOne(_Printer, show.ShowOne):
    """A command that prints one resource."""

    def _load_formatter_plugins(self) -> Any:
        return _Formats(_ONE_FORMATS)


class ShowFound(ShowOne):
    """A command that prints one resource, found by its name or id.

    :cvar noun: the name of its one argument
    """

    noun: ClassVar[str]

    @abc.abstractmethod
    def found(self, name: str) -> dict[str, Any]:
        """The fields to show."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(self.noun, metavar=self.noun.upper(), help="name or id")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        return pairs(self.found(getattr(parsed_args, self.noun)))


def pairs(fields: dict[str, Any]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Names and values, as a command that shows one resource returns them."""
    return tuple(fields), tuple(fields.values())
