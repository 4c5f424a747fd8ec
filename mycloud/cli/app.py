"""The application: global options, the connection to the cloud, and how errors are told."""

import argparse
import difflib
import importlib.metadata
import itertools
import logging
import traceback
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cliff import app

from mycloud.cli import exits
from mycloud.cli.commands import CommandTable
from mycloud.client import errors

if TYPE_CHECKING:
    from mycloud.client.connection import Client

#: option -> (key of the client's configuration, help)
_CLOUD_OPTIONS = {
    "--os-auth-url": ("auth_url", "address of the identity service"),
    "--os-auth-type": ("auth_type", "password, token or v3applicationcredential"),
    "--os-username": ("username", "user"),
    "--os-password": ("password", "password; better kept in clouds.yaml or OS_PASSWORD"),
    "--os-token": ("token", "a token instead of user and password"),
    "--os-user-domain-name": ("user_domain_name", "domain of the user"),
    "--os-project-name": ("project_name", "project to work in"),
    "--os-project-id": ("project_id", "the same by id"),
    "--os-project-domain-name": ("project_domain_name", "domain of the project"),
    "--os-system-scope": ("system_scope", "'all': act on the whole cloud"),
    "--os-region-name": ("region_name", "region"),
    "--os-interface": ("interface", "public (the default), internal or admin endpoints"),
    "--os-cacert": ("cacert", "file with the CA certificates to trust"),
}
_NOISY_LOGGERS = ("urllib3", "keystoneauth", "stevedore", "asyncio")


class _Version(argparse.Action):
    """Looks the version up only when asked: that reads a file of the installation."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        parser.exit(message=f"mycloud {importlib.metadata.version('mycloud')}\n")


class MycloudApp(app.App):
    """``mycloud NOUN VERB``."""

    NAME = "mycloud"
    LOG = logging.getLogger("mycloud.cli")
    command_manager: CommandTable

    def __init__(self, **streams: Any):
        # cliff adds commands of its own to the table: ours come after and replace them
        super().__init__(
            "A whole infrastructure cloud: servers, volumes, images, identities,\n"
            "and the journal of everything that was done.",
            None,
            CommandTable(),
            deferred_help=True,
            **streams,
        )
        self.command_manager = CommandTable()

    def build_option_parser(
        self,
        description: str | None,
        version: str | None,
        argparse_kwargs: dict[str, Any] | None = None,
    ) -> argparse.ArgumentParser:
        """The options that every command takes, before or after its name."""
        # an abbreviated option of a command must not be taken for a global one
        parser = argparse.ArgumentParser(
            prog=self.NAME,
            description=description,
            usage="mycloud [options] NOUN VERB [...]",
            epilog=exits.EXPLANATION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=False,
            allow_abbrev=False,
        )
        parser.add_argument(
            "-h", "--help", dest="deferred_help", action="store_true", help="show this and exit"
        )
        parser.add_argument(
            "--version", action=_Version, nargs=0, help="show the version and exit"
        )
        loudness = parser.add_mutually_exclusive_group()
        loudness.add_argument(
            "-v",
            "--verbose",
            action="count",
            dest="verbose_level",
            default=self.DEFAULT_VERBOSE_LEVEL,
            help="show every request",
        )
        loudness.add_argument(
            "-q",
            "--quiet",
            action="store_const",
            dest="verbose_level",
            const=0,
            help="show no progress",
        )
        parser.add_argument("--log-file", help="write the requests to this file, too")
        parser.add_argument(
            "--debug", action="store_true", help="show every request, and tracebacks of errors"
        )
        cloud = parser.add_argument_group(
            "which cloud", "Each also as a variable: OS_CLOUD, OS_AUTH_URL and so on."
        )
        cloud.add_argument(
            "--os-cloud", "--cloud", metavar="NAME", help="cloud of that name in clouds.yaml"
        )
        for option, (key, text) in _CLOUD_OPTIONS.items():
            cloud.add_argument(option, dest=f"os_{key}", metavar="VALUE", help=text)
        cloud.add_argument(
            "--insecure",
            "--os-insecure",
            dest="os_insecure",
            action="store_true",
            default=None,
            help="don't check the cloud's certificate",
        )
        cloud.add_argument(
            "--no-token-cache",
            action="store_true",
            help="log in anew; by default a token is kept in a private file until it expires",
        )
        return parser

    def configure_logging(self) -> None:
        """Warnings to the terminal; every request with --verbose, --debug or --log-file."""
        loud = self.options.debug or self.options.verbose_level > 1
        console = logging.StreamHandler(self.stderr)
        console.setFormatter(logging.Formatter("%(message)s"))
        console.setLevel(logging.DEBUG if loud else logging.WARNING)
        handlers: list[logging.Handler] = [console]
        if self.options.log_file:
            try:
                file = logging.FileHandler(self.options.log_file)
            except OSError as error:
                self.parser.error(f"--log-file {self.options.log_file}: {error.strerror}")
            file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
            handlers.append(file)
        root = logging.getLogger()
        root.setLevel(logging.DEBUG if len(handlers) > 1 or loud else logging.WARNING)
        root.handlers[:] = handlers
        for name in _NOISY_LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)

    def run(self, argv: list[str]) -> int:
        """Run the command that the arguments name; without any, show what there is."""
        if not argv:
            argv = ["help"]
        return super().run(argv)

    def print_help_if_requested(self) -> None:
        """``mycloud --help`` without a command."""
        if self.options.deferred_help:
            raise SystemExit(self.run_subcommand(["help"]))

    def run_subcommand(self, argv: list[str]) -> int:
        """Run a command of the table; returns the exit status."""
        try:
            self.command_manager.find_command(argv)
        except ValueError:
            return self.report(exits.UsageError(self._unknown(argv)))
        return super().run_subcommand(argv)

    def _unknown(self, argv: list[str]) -> str:
        words = list(itertools.takewhile(lambda word: not word.startswith("-"), argv))
        table = self.command_manager
        names = table.under(words[:1])
        if len(words) == 1 and names:
            verbs = ", ".join(name.partition(" ")[2] for name in names)
            return f"A verb is missing after '{words[0]}': {verbs}"
        near = difflib.get_close_matches(" ".join(words), names or table.under([]), 3, 0.4)
        hint = f"did you mean {' or '.join(repr(name) for name in near)}? " if near else ""
        return f"There is no command '{' '.join(words)}'; {hint}'mycloud --help' lists them"

    def interact(self) -> None:
        """Only options were given: there is no shell of our own, so say what is missing."""
        self.parser.error("a command is missing; 'mycloud --help' lists them")

    @cached_property
    def client(self) -> "Client":
        """The connection to the chosen cloud; nothing is sent before it is used.

        :raises ConfigError: if no cloud is chosen or something needed is missing
        """
        from mycloud.client import auth
        from mycloud.client.connection import Client

        options = vars(self.options)
        keys = [key for key, _ in _CLOUD_OPTIONS.values()] + ["insecure"]
        overrides = {key: options[f"os_{key}"] for key in keys if options[f"os_{key}"] is not None}
        folder = None if self.options.no_token_cache else auth.default_token_folder()
        return Client.from_config(self.options.os_cloud, overrides, token_folder=folder)

    @property
    def quiet(self) -> bool:
        return bool(self.options.verbose_level == 0)

    def tell(self, text: str) -> None:
        """A line for the person, beside the output proper."""
        if not self.quiet:
            self.stderr.write(f"{text}\n")
            self.stderr.flush()

    def report(self, error: errors.ClientError) -> int:
        """Show an error in one line (all of it with --debug); returns the exit status."""
        if self.options.debug:
            traceback.print_exception(error, file=self.stderr)
        self.stderr.write(f"mycloud: {exits.describe(error)}\n")
        return exits.status_of(error)
