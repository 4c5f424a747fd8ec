"""Patterns mean what Python's re says they mean, refuse the rest, and never stall."""

import re
import string

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from mycloud.common import clock, exceptions, patterns

_PIECES = st.sampled_from(
    ["a", "b", "1", "-", ".", "^", "$", "|", "(", "(?:", ")", "*", "+", "?", "{2}", "{1,}",
     "{0,2}", "[ab]", "[^a]", "[0-9]", r"\d", r"\w", r"\.", r"\S", "*?", "[", "]", "{", "\\"]
)
_TEXTS = st.text(alphabet="ab1-. " + string.ascii_letters[:4], max_size=12)


class PatternsTest(testtools.TestCase):
    @settings(max_examples=1500, deadline=None)
    @given(st.lists(_PIECES, max_size=8).map("".join), _TEXTS)
    def test_agrees_with_re_on_all_that_it_takes(self, text: str, value: str) -> None:
        try:
            found = patterns.Pattern(text)
        except patterns.PatternError:
            return
        self.assertEqual(bool(re.search(text, value)), found.search(value))

    def test_takes_what_people_write(self) -> None:
        for text, value, expected in (
            ("^web-[0-9]+$", "web-12", True),
            ("^web-[0-9]+$", "web-12b", False),
            ("db", "my-db-1", True),
            ("prod|test", "a test", True),
            ("a{2,3}$", "baaa", True),
            (r"v1\.2", "v1x2", False),
            ("^$", "", True),
            ("", "anything", True),
        ):
            self.assertEqual(expected, patterns.compiled(text).search(value), (text, value))

    def test_refuses_what_databases_read_in_different_ways(self) -> None:
        for text in (
            "*", "a**", "(", ")", "[", "a{", "a{2", "a{3,2}", "(?i)a", r"\bx", "[z-a]",
            "[[:alpha:]]",
            "(?P<n>a)", "a\\", "]", "}", "^*", r"[\]-a]", "a{999}", "(" * 30 + ")" * 30,
        ):
            self.assertRaises(patterns.PatternError, patterns.Pattern, text)

    def test_no_pattern_can_stall(self) -> None:
        value = "a" * 255
        began = clock.monotonic()
        for text in ("(a+)+$b", "(a*)*b", "(a|a)*b", "a*a*a*a*a*a*b", "(a|aa)+$c"):
            self.assertFalse(patterns.Pattern(text).search(value))
        self.assertLess(clock.monotonic() - began, 2)

    def test_names_the_field(self) -> None:
        error = self.assertRaises(exceptions.BadField, patterns.check, "(", "name")
        self.assertIn("name", error.message)
        self.assertRaises(exceptions.BadField, patterns.check, "a" * 256, "name")
