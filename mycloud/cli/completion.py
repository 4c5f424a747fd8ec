"""``mycloud completion``: the script that makes a shell complete commands and options."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from mycloud.cli import completion_scripts as scripts
from mycloud.cli.command import Command
from mycloud.cli.commands import CommandTable

#: What argparse shows for an argument that is the path of a local file.
_FILE = "FILE"


@dataclass(frozen=True)
class Option:
    """An option of a command; ``files``: its value is the path of a file."""

    flags: tuple[str, ...]
    text: str
    takes_value: bool
    choices: tuple[str, ...]
    files: bool


@dataclass(frozen=True)
class Place:
    """Somewhere in the words of a command: which words and which options may follow.

    ``where`` is what was written so far ("server"), ``words`` maps the next words to a help.
    """

    where: str
    words: dict[str, str]
    options: tuple[Option, ...]


def places(table: CommandTable, global_parser: argparse.ArgumentParser) -> list[Place]:
    """All places of the command table, the empty one first."""
    words: dict[str, dict[str, str]] = {"": {}}
    options: dict[str, tuple[Option, ...]] = {"": _options(global_parser)}
    for name in table.under([]):
        factory = table.commands[name].load()
        first_line = (factory.__doc__ or "").strip().split("\n")[0]
        parts = name.split()
        for depth, word in enumerate(parts):
            where = " ".join(parts[:depth])
            last = depth == len(parts) - 1
            known = words.setdefault(where, {})
            known[word] = first_line if last else known.get(word, f"commands for {word}s")
        options[name] = _options(factory(None, None).get_parser(f"mycloud {name}"))
    names = list(dict.fromkeys([*words, *options]))
    return [Place(name, words.get(name, {}), options.get(name, ())) for name in names]


def _options(parser: argparse.ArgumentParser) -> tuple[Option, ...]:
    return tuple(
        Option(
            flags=tuple(action.option_strings),
            text=_one_line(action),
            takes_value=action.nargs != 0,
            choices=tuple(str(choice) for choice in action.choices or ()),
            files=action.metavar == _FILE,
        )
        for action in parser._actions
        if action.option_strings
    )


def _one_line(action: argparse.Action) -> str:
    text = action.help or ""
    if text == argparse.SUPPRESS:
        return ""
    return " ".join((text % vars(action) if "%(" in text else text).split())


_SHELLS: dict[str, Callable[[list[Place]], str]] = {
    "bash": scripts.bash,
    "zsh": scripts.zsh,
    "fish": scripts.fish,
}


class Completion(Command):
    """Print the completion script of a shell

    bash: source <(mycloud completion bash)
    zsh:  mycloud completion zsh > a folder of $fpath/_mycloud
    fish: mycloud completion fish > ~/.config/fish/completions/mycloud.fish
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        # the examples keep their lines
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.add_argument("shell", choices=sorted(_SHELLS), help="which shell")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        known = places(self.app.command_manager, self.app.parser)
        self.app.stdout.write(_SHELLS[parsed_args.shell](known))
