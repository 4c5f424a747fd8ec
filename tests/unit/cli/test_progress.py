"""Live steps: plain lines in a pipe, a table drawn in place on a terminal."""

import io
import re

import testtools

from mycloud.cli.progress import progress
from mycloud.client import operations
from tests.unit.cli.case import SERVER_ID, operation


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, *documents: dict[str, object], quiet: bool = False) -> str:
    with progress(stream, quiet=quiet) as view:
        for document in documents:
            view.show(operations.build(document))
    return stream.getvalue()


class ProgressTest(testtools.TestCase):
    story = (
        operation("running", ("disk", "running")),
        operation("running", ("disk", "done"), ("start [vm]", "running")),
        operation("failed", ("disk", "undone"), ("start [vm]", "failed")),
    )

    def test_a_line_for_each_change_in_a_pipe(self) -> None:
        lines = shown(io.StringIO(), *self.story).splitlines()
        self.assertEqual(7, len(lines), lines)
        self.assertEqual(f"server.create {SERVER_ID}: disk running on node-1", lines[0])
        self.assertIn(": failed after 1.500 s", lines[-1])
        self.assertNotIn("\x1b", "".join(lines))

    def test_nothing_new_is_not_told_again(self) -> None:
        self.assertEqual(
            shown(io.StringIO(), self.story[0]), shown(io.StringIO(), *[self.story[0]] * 3)
        )

    def test_drawn_in_place_on_a_terminal(self) -> None:
        text = shown(Terminal(), *self.story)
        # the cursor goes back up to draw over what was there
        self.assertRegex(text, r"\x1b\[\d*A")
        last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
        self.assertIn("✗", last)
        # what looks like markup is text
        self.assertIn("start [vm]", last)

    def test_quiet(self) -> None:
        self.assertEqual("", shown(io.StringIO(), *self.story, quiet=True))

    def test_bytes(self) -> None:
        stream = Terminal()
        with progress(stream) as view:
            view.bytes_done(1 << 20, 1 << 22)
            view.bytes_done(5, None)
        self.assertIn("1.0 MiB of 4.0 MiB (25 %)", stream.getvalue())
