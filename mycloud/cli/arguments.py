"""Types of arguments, and options that several commands have."""

import argparse
from collections.abc import Callable, Iterable

from mycloud.client import defaults


def key_value(text: str) -> tuple[str, str]:
    """``key=value``; the value may hold more equals signs, and be empty."""
    key, sign, value = text.partition("=")
    if not key or not sign:
        raise argparse.ArgumentTypeError(f"'{text}' must have the form KEY=VALUE")
    return key, value


def whole_number(lowest: int, unit: str = "") -> Callable[[str], int]:
    """A type for whole numbers from ``lowest`` up."""

    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = lowest - 1
        if number < lowest:
            of_unit = f" of {unit}" if unit else ""
            raise argparse.ArgumentTypeError(
                f"'{text}' must be a whole number{of_unit}, {lowest} or more"
            )
        return number

    return convert


def seconds(text: str) -> float:
    """A duration above zero."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' must be a number of seconds above 0")
    return number


def add_wait(parser: argparse.ArgumentParser, what: str) -> None:
    """``--wait`` and ``--timeout``."""
    parser.add_argument(
        "--wait",
        action="store_true",
        help=f"show each step, and return only when {what}; exit status 1 if it fails",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=defaults.WAIT_TIMEOUT,
        metavar="SECONDS",
        help="wait that long at most (default: %(default)g)",
    )


def add_properties(parser: argparse.ArgumentParser, text: str) -> None:
    """``--property KEY=VALUE``, as often as needed."""
    parser.add_argument(
        "--property",
        dest="properties",
        action="append",
        default=[],
        type=key_value,
        metavar="KEY=VALUE",
        help=f"{text} (can be repeated)",
    )


def add_unset_properties(parser: argparse.ArgumentParser) -> None:
    """``--property KEY`` of the unset commands."""
    parser.add_argument(
        "--property",
        dest="properties",
        action="append",
        default=[],
        metavar="KEY",
        help="property to remove (can be repeated)",
    )


def add_tags(parser: argparse.ArgumentParser, text: str) -> None:
    """``--tag TAG``, as often as needed."""
    parser.add_argument(
        "--tag",
        dest="tags",
        action="append",
        default=[],
        metavar="TAG",
        help=f"{text} (can be repeated)",
    )


def add_domain(parser: argparse.ArgumentParser, text: str) -> None:
    """``--domain``."""
    parser.add_argument("--domain", metavar="DOMAIN", help=f"{text} (name or id)")


Choice = tuple[str, str]


def add_switch(parser: argparse.ArgumentParser, name: str, yes: Choice, no: Choice) -> None:
    """Two options (each with its help) that exclude each other.

    ``name`` is True, False or None afterwards.
    """
    group = parser.add_mutually_exclusive_group()
    for (option, text), value in ((yes, True), (no, False)):
        group.add_argument(
            f"--{option}", dest=name, action="store_const", const=value, help=text
        )


def add_enabled(parser: argparse.ArgumentParser) -> None:
    """``--enable`` and ``--disable``."""
    add_switch(parser, "enabled", ("enable", "let it log in"), ("disable", "lock it out"))


def given(parsed_args: argparse.Namespace, names: Iterable[str]) -> dict[str, object]:
    """Those of the named options that were given."""
    values = vars(parsed_args)
    return {name: values[name] for name in names if values[name] is not None}
