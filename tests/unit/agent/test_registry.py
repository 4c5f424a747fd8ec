"""Verbs of the host agent: found, described, their arguments checked."""

import json
import sys
from pathlib import Path
from typing import Any, Literal

import fixtures
import testtools

from mycloud.agent import verbs
from mycloud.agent.host import Host
from mycloud.agent.registry import Registry, Verb, verb
from mycloud.common import exceptions
from mycloud.privileged import arguments as kinds
from tests.fixtures.program import Program

Spec = dict[str, int | None]


@verb("thing.make", changes=True)
def make(
    host: Host, *, name: kinds.Name, count: int = 1, share: float = 0.5,
    sizes: list[int] | None = None, spec: Spec | None = None, dry: bool = False,
    mode: Literal["slow", "fast"] = "fast",
) -> dict[str, Any]:
    """Make a thing.

    More of it.
    """
    return {"name": name, "count": count}


def unmarked(host: Host) -> None:
    """Nobody can ask for it."""


class RegistryTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.registry = Registry([make.verb])

    def test_the_agents_own(self) -> None:
        registry = Registry.load(verbs)
        self.assertIn("agent.ping", registry.names)
        for each in registry.describe():
            self.assertTrue(each["description"], each)

    def test_describes(self) -> None:
        [told] = self.registry.describe()
        self.assertEqual(
            ("thing.make", "Make a thing.", True),
            (told["name"], told["description"], told["changes"]),
        )
        self.assertTrue(told["defined"].endswith("test_registry.make"))
        schema = told["params"]
        self.assertEqual((["name"], False), (schema["required"], schema["additionalProperties"]))
        self.assertEqual({"type": "integer", "default": 1}, schema["properties"]["count"])
        self.assertEqual(
            {"enum": ["slow", "fast"], "default": "fast"}, schema["properties"]["mode"]
        )
        self.assertIn("letters", schema["properties"]["name"]["description"])

    def test_good_arguments(self) -> None:
        for given in (
            {"name": "x"},
            {"name": "x", "count": 3, "share": 1, "sizes": [1, 2], "dry": True, "mode": "slow"},
            {"name": "x", "sizes": None, "spec": {"a": 1, "b": None}},
        ):
            self.assertEqual(given, self.registry.check("thing.make", given))

    def test_bad_arguments_are_named(self) -> None:
        for given, field, words in (
            ([], "params", "object"),
            ({}, "name", "missing"),
            ({"name": "x", "size": 1}, "size", "no such argument; known: count, dry"),
            ({"name": 5}, "name", "a string, not 5"),
            ({"name": "--help"}, "name", "a name of letters"),
            ({"name": "x", "count": "3"}, "count", "a whole number"),
            ({"name": "x", "count": True}, "count", "a whole number"),
            ({"name": "x", "count": 1.5}, "count", "a whole number"),
            ({"name": "x", "share": "1"}, "share", "a number"),
            ({"name": "x", "dry": 1}, "dry", "true or false"),
            ({"name": "x", "sizes": [1, "b"]}, "sizes[1]", "a whole number"),
            ({"name": "x", "sizes": 4}, "sizes", "a list"),
            ({"name": "x", "spec": {"a": "b"}}, "spec.a", "a whole number"),
            ({"name": "x", "mode": "medium"}, "mode", "one of 'slow', 'fast'"),
            ({"name": "x", "mode": "x" * 500}, "mode", "..."),
        ):
            error = self.assertRaises(
                exceptions.BadField, self.registry.check, "thing.make", given
            )
            self.assertEqual(field, error.kwargs["field"])
            self.assertIn(words, error.message)

    def test_unknown(self) -> None:
        error = self.assertRaises(
            exceptions.VerbNotFound, self.registry.check, "thing.break", {}
        )
        self.assertIn("--list-verbs", error.message)

    def test_broken_verbs(self) -> None:
        def positional(host: Host, name: str) -> None:
            pass

        def bare(host, *, name) -> None:  # noqa: ANN001
            pass

        def odd(host: Host, *, name: set[str]) -> None:
            pass

        for found, words in (
            ([make.verb, Verb("thing.make", unmarked, False)], "twice, in"),
            ([Verb("thing", unmarked, False)], "not noun.verb"),
            ([Verb("a.b", positional, False)], "name must be keyword-only"),
            ([Verb("a.b", bare, False)], "name has no annotation"),
            ([Verb("a.b", odd, False)], "not understood"),
        ):
            error = self.assertRaises(exceptions.VerbBroken, Registry, found)
            self.assertIn(words, error.message)

    def test_found_in_a_package(self) -> None:
        folder = Path(self.useFixture(fixtures.TempDir()).path)
        package = folder / "verbs_of_a_test"
        (package / "inner").mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "inner" / "__init__.py").touch()
        head = "from mycloud.agent.registry import verb\n"
        (package / "one.py").write_text(
            head + "@verb('one.here')\ndef here(host):\n    pass\ndef hidden(host):\n    pass\n"
        )
        (package / "inner" / "two.py").write_text(
            head + "from verbs_of_a_test.one import here\n"
            "@verb('two.here')\ndef there(host):\n    pass\n"
        )
        sys.path.insert(0, str(folder))
        self.addCleanup(sys.path.remove, str(folder))
        import verbs_of_a_test  # type: ignore[import-not-found]

        self.assertEqual(["one.here", "two.here"], Registry.load(verbs_of_a_test).names)


class CommandTest(testtools.TestCase):
    """What mycloud-compute tells of verbs, without any cloud."""

    def test_list_and_schema(self) -> None:
        listed = Program.run("mycloud.cmd.compute", "--list-verbs")
        schema = json.loads(Program.run("mycloud.cmd.compute", "--verbs-schema"))
        names = [verb["name"] for verb in schema]
        self.assertEqual(Registry.load(verbs).names, names)
        first_words = [
            line.split()[0] for line in listed.splitlines() if not line.startswith(" ")
        ]
        self.assertEqual(names, first_words)
        self.assertIn("transfer.accept path peer size [seconds] [sha256]", listed)
        self.assertIn("changes the host; mycloud.agent.verbs.transfer.accept", listed)
