"""The golden files are what the code has; a change that owes a new version is named."""

import json

import testtools

from tests.golden import collect, owed, states_page

REMEDY = (
    "is not what the code has. If the change is meant, run `python tools/golden.py`, read the "
    "difference and commit it with the change."
)


class GoldenTest(testtools.TestCase):
    maxDiff = None

    def check(self, name: str) -> None:
        """Compare one file, telling first what it owes."""
        place = collect.path(name)
        old, new = json.loads(place.read_text()), json.loads(collect.render(name))
        self.assertEqual([], owed.versions(name, old, new))
        self.assertEqual([], _differences(old, new), f"{place.name} {REMEDY}")
        self.assertEqual(place.read_text(), collect.render(name), f"{place.name} {REMEDY}")

    def test_agent_verbs(self) -> None:
        self.check("agent_verbs")

    def test_microversions(self) -> None:
        self.check("microversions")

    def test_objects(self) -> None:
        self.check("objects")

    def test_options(self) -> None:
        self.check("options")

    def test_policies(self) -> None:
        self.check("policies")

    def test_routes(self) -> None:
        self.check("routes")

    def test_rpc(self) -> None:
        self.check("rpc")

    def test_tc_commands(self) -> None:
        self.check("tc_commands")

    def test_verbs(self) -> None:
        self.check("verbs")

    def test_states_page(self) -> None:
        self.assertEqual(
            states_page.PAGE.read_text(), states_page.render(),
            f"{states_page.PAGE.name} {REMEDY}",
        )

    def test_every_file_is_checked(self) -> None:
        tested = {name.removeprefix("test_") for name in dir(self) if name.startswith("test_")}
        self.assertEqual(set(), set(collect.FILES) - tested)


def _differences(old: object, new: object) -> list[str]:
    """The rows or keys that are in one only."""
    if isinstance(old, list) and isinstance(new, list):
        before, after = ({json.dumps(row, sort_keys=True) for row in rows} for rows in (old, new))
    elif isinstance(old, dict) and isinstance(new, dict):
        before, after = (
            {f"{key}: {json.dumps(value, sort_keys=True)}" for key, value in data.items()}
            for data in (old, new)
        )
    else:
        return []
    return sorted([f"- {row}" for row in before - after] + [f"+ {row}" for row in after - before])


class OwedTest(testtools.TestCase):
    """The rules of what owes a version."""

    def test_objects(self) -> None:
        old = {"Server": "1.9-aa", "Host": "1.0-bb"}
        self.assertEqual([], owed.versions("objects", old, {**old, "New": "1.0-cc"}))
        self.assertEqual([], owed.versions("objects", old, {**old, "Server": "1.10-cc"}))
        [debt] = owed.versions("objects", old, {**old, "Server": "1.9-cc"})
        self.assertIn("Server has changed: raise its VERSION above 1.9", debt)

    def test_rpc(self) -> None:
        old = {"x:API": {"version": "1.0", "methods": {"a": "(self)"}}}
        same = {"x:API": {"version": "1.0", "methods": {"a": "(self, b)"}}}
        [debt] = owed.versions("rpc", old, same)
        self.assertEqual("x:API has changed (a): raise its version above 1.0", debt)
        raised = {"x:API": {"version": "1.1", "methods": {"a": "(self, b)"}}}
        self.assertEqual([], owed.versions("rpc", old, raised))

    def test_microversions_are_append_only(self) -> None:
        old = {"compute": {"minimum": "2.1", "maximum": "2.60", "changes": ["2.3"]}}
        grown = {"compute": {"minimum": "2.1", "maximum": "2.61", "changes": ["2.3", "2.61"]}}
        self.assertEqual([], owed.versions("microversions", old, grown))
        for changes, maximum in ((["2.3", "2.4"], "2.60"), ([], "2.60"), (["2.3"], "2.59")):
            new = {"compute": {"minimum": "2.1", "maximum": maximum, "changes": changes}}
            self.assertEqual(1, len(owed.versions("microversions", old, new)), (changes, maximum))
