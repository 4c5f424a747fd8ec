"""``mycloud host logs``: what somebody needs who is to help."""

import argparse
import sys
from pathlib import Path

from mycloud.cli.columns import size_text
from mycloud.cli.command import Command
from mycloud.cli.exits import UsageError
from mycloud.cli.progress import progress

_PIPE = "-"


class HostLogs(Command):
    """Get the logs and facts of a host in one archive, without secrets (administrators)

    Logs of its services, of libvirt and QEMU, what the host is, its network, its options, and the
    newest operations on it. Passwords, tokens and keys are replaced by ***; look through it all
    the same before you give it away.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST", help="name or id")
        parser.add_argument(
            "--output",
            metavar="FILE",
            help="where to (default: a file named after host and time, here); - writes to "
            "standard output. An existing file is replaced",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        name, blocks = self.client.hosts.logs(parsed_args.host)
        if parsed_args.output == _PIPE:
            for block in blocks:
                sys.stdout.buffer.write(block)
            sys.stdout.buffer.flush()
            return
        target = Path(parsed_args.output or name)
        if target.is_dir():
            target /= name
        # what is there stays until all has come
        partial = target.with_name(f"{target.name}.part")
        done = 0
        try:
            partial.touch(mode=0o600)
            with partial.open("wb") as file:
                with progress(self.app.stderr, quiet=self.app.quiet) as shown:
                    for block in blocks:
                        file.write(block)
                        done += len(block)
                        shown.bytes_done(done, None)
            partial.replace(target)
        except OSError as error:
            raise UsageError(f"--output {target}: {error.strerror or error}") from error
        finally:
            partial.unlink(missing_ok=True)
        self.app.tell(f"{target}: {size_text(done)}")
