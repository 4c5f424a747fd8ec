"""Tells a person what happens: a moving line on a terminal, plain lines in a pipe."""

import contextlib
from collections.abc import Iterator
from typing import TextIO

from mycloud.local.settings import Tell


@contextlib.contextmanager
def told(stream: TextIO, *, quiet: bool = False) -> Iterator[Tell]:
    """The way of telling that suits where ``stream`` goes.

    Lines that start with a space are output of something else, and are shown as they are.
    """
    if quiet:
        yield lambda line: None
    elif not stream.isatty():

        def write(line: str) -> None:
            stream.write(f"{line}\n")
            stream.flush()

        yield write
    else:
        with _terminal(stream) as tell:
            yield tell


@contextlib.contextmanager
def _terminal(stream: TextIO) -> Iterator[Tell]:
    # rich takes a while to import, and a pipe has no use for it
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    doing: list[str] = []

    def done() -> None:
        for line in doing:
            console.print(Text(f"✓ {line}", style="green"))
        doing.clear()

    with console.status("") as status:

        def tell(line: str) -> None:
            if line.startswith(" "):
                console.print(Text(line, style="dim"))
                return
            done()
            doing.append(line)
            status.update(Text(f"{line} …"))

        yield tell
        done()
