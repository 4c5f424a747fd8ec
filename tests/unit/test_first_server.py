"""What ``mycloud up --first-server`` shows of a guest's console."""

import types
import unittest
from typing import Any

import testtools

from mycloud.local import first_server


class ConsoleTest(testtools.TestCase):
    def shown(self, *consoles: str, before: str = "") -> list[str]:
        """The lines that are told while the console grows."""
        growing = iter(consoles)
        servers = types.SimpleNamespace(console_log=lambda server_id: next(growing))
        member: Any = types.SimpleNamespace(servers=servers)
        server: Any = types.SimpleNamespace(id="1")
        lines: list[str] = []
        first_server._show_console(member, server, ("READY", before), lines.append)
        return [line.partition("| ")[2] for line in lines]

    def test_whole_lines_once_up_to_the_ready_line(self) -> None:
        self.assertEqual(
            ["one", "two", "READY"],
            self.shown("", "\r\none\r\ntw", "\r\none\r\ntwo\r\nRE", "\none\r\ntwo\r\nREADY\r\n$ "),
        )

    def test_only_this_boot(self) -> None:
        before = "old\r\nREADY\r\n$ off\r\n"
        self.assertEqual(
            ["new", "READY"], self.shown(before, f"{before}new\r\nREADY\r\n", before=before)
        )

    def test_a_guest_can_do_nothing_to_the_terminal(self) -> None:
        self.assertEqual(
            ["red and more", "READY"],
            self.shown("\x1b[31mred\x1b[6n and\x07 \x00mo\x9b\x1bre\nREADY\n"),
        )

    def test_the_boot_that_runs_is_shown_again(self) -> None:
        for console, before in (
            ("a\nREADY\nb\n", ""),
            ("a\nREADY\nb\nREADY\nc\n", "a\nREADY"),
            ("a\n", ""),
        ):
            self.assertEqual(before, first_server._before_last(console, "READY"))


if __name__ == "__main__":
    unittest.main()
