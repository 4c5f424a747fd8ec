"""The entry point of the ``mycloud`` command."""

import os
import sys

from mycloud.cli import exits
from mycloud.cli.app import MycloudApp


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    try:
        status = MycloudApp().run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        # the interpreter flushes once more at its end, and would complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.BROKEN_PIPE
    return status


if __name__ == "__main__":
    sys.exit(main())
