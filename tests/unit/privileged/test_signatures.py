"""What a call brings is checked against the verb's own signature before it runs."""

from __future__ import annotations

from typing import Any, Literal

import testtools

from mycloud.privileged import errors, signatures
from mycloud.privileged.arguments import AbsolutePath, Interface, InterfaceName, Name, Size


def verb(
    name: Name, size: Size, *, tags: list[str] | None = None, share: float = 1.0,
    kind: Literal["a", "b"] = "a", options: dict[str, int] | None = None, hard: bool = False,
) -> None:
    """A verb with an argument of every kind."""


class SignatureTest(testtools.TestCase):
    def bind(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return signatures.Signature(verb).bind(list(args), kwargs)

    def refused(self, words: str, *args: Any, **kwargs: Any) -> None:
        error = self.assertRaises(errors.InvalidArguments, self.bind, *args, **kwargs)
        self.assertIn(words, error.message)

    def test_takes_what_fits(self) -> None:
        self.assertEqual({"name": "a", "size": 1}, self.bind("a", 1))
        self.assertEqual(
            {"name": "a", "size": 1, "tags": ["x"], "share": 2, "kind": "b", "hard": True,
             "options": {"x": 1}},
            self.bind("a", size=1, tags=["x"], share=2, kind="b", hard=True, options={"x": 1}),
        )
        self.assertEqual({"name": "a", "size": 1, "tags": None}, self.bind("a", 1, tags=None))

    def test_names_the_argument_and_what_is_wanted(self) -> None:
        self.refused("'size' is missing: a number of bytes above 0", "a")
        self.refused("'name' is missing", size=1)
        self.refused("takes 2 arguments by position, not 3", "a", 1, [])
        self.refused("has no argument 'colour'", "a", 1, colour="red")
        self.refused("'name' is given twice", "a", 1, name="b")
        self.refused("'size' must be a number of bytes above 0, not '1'", "a", "1")
        self.refused("'size' must be a number of bytes above 0, not True", "a", True)
        self.refused("'size' must be a number of bytes above 0, not 0", "a", 0)
        self.refused("'tags' must be a list, each a text or null", "a", 1, tags=[1])
        self.refused("'tags' must be", "a", 1, tags="x")
        self.refused("'share' must be a number, not True", "a", 1, share=True)
        self.refused("'kind' must be one of a, b", "a", 1, kind="c")
        self.refused("'options' must be an object", "a", 1, options={"x": "y"})
        self.refused("'hard' must be true or false, not 1", "a", 1, hard=1)

    def test_nothing_that_a_program_takes_for_an_option(self) -> None:
        for name in ("-rf", "--help", "-", "", "a b", "a;b", "a\nb", "a\0b", "$(id)", "..", ".",
                     "../x", "a/b", "x" * 200):
            self.refused("'name' must be", name, 1)

    def test_kinds(self) -> None:
        for hint, good, bad in (
            (InterfaceName, ("eth0", "br-1", "eth0.5"), ("-i", "a" * 16, "a/b", "", "a b")),
            (AbsolutePath, ("/a", "/a/b.c"), ("a", "/../a", "/a/./b", "/a\0", "/" + "a" * 5000)),
            (Interface, ("192.0.2.7/24", "fe80::1/64"), ("192.0.2.7", "x/24", "192.0.2.7/33")),
        ):
            kind = signatures.kind_of(hint)
            for value in good:
                self.assertIsNone(kind.fault(value), value)
            for value in (*bad, 1, None, [], {}):
                self.assertIsNotNone(kind.fault(value), value)

    def test_a_verb_without_kinds_is_none(self) -> None:
        def loose(name) -> None:  # type: ignore[no-untyped-def]
            pass

        def many(*names: str) -> None:
            pass

        def foreign(name: object) -> None:
            pass

        for function in (loose, many, foreign):
            self.assertRaises(TypeError, signatures.Signature, function)
