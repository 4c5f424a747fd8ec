"""``mycloud --help``, ``mycloud NOUN --help`` and ``mycloud NOUN VERB --help``."""

import argparse
import textwrap

from mycloud.cli import exits
from mycloud.cli.command import Command
from mycloud.cli.exits import UsageError


class Help(Command):
    """Show what a command does, or which commands there are"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("words", nargs="*", metavar="WORD", help="noun, or noun and verb")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        words = parsed_args.words
        if not words:
            self._everything()
            return exits.DONE
        try:
            factory, name, _ = self.app.command_manager.find_command(words)
        except ValueError:
            return self._noun(words)
        factory(self.app, None).get_parser(f"mycloud {name}").print_help(self.app.stdout)
        return exits.DONE

    def _everything(self) -> None:
        out = self.app.stdout
        self.app.parser.print_help(out)
        out.write("\ncommands:\n")
        verbs: dict[str, list[str]] = {}
        for name in self.app.command_manager.under([]):
            noun, _, verb = name.partition(" ")
            verbs.setdefault(noun, []).append(verb)
        for noun, its in verbs.items():
            text = ", ".join(verb for verb in its if verb) or self._one_line(noun)
            out.write(
                textwrap.fill(
                    text, 88, initial_indent=f"  {noun:<11}", subsequent_indent=" " * 13
                )
                + "\n"
            )
        out.write("\n'mycloud NOUN --help' explains the verbs of a noun.\n")

    def _noun(self, words: list[str]) -> int:
        names = self.app.command_manager.under(words)
        if not names:
            known = dict.fromkeys(n.split()[0] for n in self.app.command_manager.under([]))
            raise UsageError(
                f"There is no command '{' '.join(words)}'; the nouns are {', '.join(known)}"
            )
        out = self.app.stdout
        out.write(f"usage: mycloud {' '.join(words)} VERB [...]\n\n")
        width = max(map(len, names))
        for name in names:
            out.write(f"  {name:<{width}}  {self._one_line(name)}\n")
        out.write(f"\n'mycloud {' '.join(words)} VERB --help' explains a verb.\n")
        return exits.DONE

    def _one_line(self, name: str) -> str:
        row = self.app.command_manager.commands[name]
        return str(row.summary())
