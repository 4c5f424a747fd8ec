"""Every row of every API: its policy exists, its schemas are bounded."""

import re
from collections.abc import Iterator
from typing import Any

import testtools

from mycloud import policies
from mycloud.api import cloud, compute, discovery, identity, image, volume
from mycloud.api.routing import Raw, Route
from tests.architecture.source import modules

SERVICES = {
    "/": discovery.ROOT,
    "cloud": cloud.rows(),
    "compute": compute.rows(),
    "compute versions": discovery.COMPUTE,
    "identity": identity.rows(),
    "identity versions": discovery.IDENTITY,
    "image": image.rows(),
    "image versions": discovery.IMAGE,
    "volume": volume.rows(),
    "volume versions": discovery.VOLUME,
}
#: Formats that a check of mycloud.api.schema bounds.
BOUNDED_FORMATS = {"int32"}
#: What the rules of nouns are made of.
PERSONAS = {"admin", "member", "reader", "any_user"}


def rows() -> Iterator[tuple[str, Route]]:
    """Every row, with how to name it."""
    for service, found in SERVICES.items():
        for row in found:
            yield f"{service} {row.verb} {row.path} {row.action or ''}".strip(), row


def schemas(row: Route) -> Iterator[Any]:
    """The body and query schemas of a row, of every microversion."""
    for choice in (row.body, row.query):
        if isinstance(choice, (list, tuple)):
            yield from (entry for _, entry in choice)
        elif choice is not None:
            yield choice


def unbounded(schema: Any, where: str = "") -> Iterator[str]:
    """The places in a schema that let any length or any number in."""
    if isinstance(schema, list):
        for item in schema:
            yield from unbounded(item, where)
        return
    if not isinstance(schema, dict):
        return
    kinds = schema.get("type", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    fixed = {"enum", "const", "$ref"} & set(schema)
    # a pattern bounds the length if nothing in it repeats without end
    endless = re.search(r"[*+]|,\}|^$", schema.get("pattern", ""))
    long = endless and schema.get("format") not in BOUNDED_FORMATS and not fixed
    if "string" in kinds and long and "maxLength" not in schema:
        yield f"{where}: a string without maxLength"
    if kinds & {"integer", "number"} and not fixed and not (
        {"maximum", "exclusiveMaximum"} & set(schema)
        and {"minimum", "exclusiveMinimum"} & set(schema)
    ):
        yield f"{where}: a number without minimum and maximum"
    if "array" in kinds and "maxItems" not in schema:
        yield f"{where}: a list without maxItems"
    for name in ("properties", "patternProperties"):
        for key, inner in schema.get(name, {}).items():
            yield from unbounded(inner, f"{where}.{key}")
    for name in ("items", "additionalProperties", "anyOf", "oneOf", "allOf"):
        yield from unbounded(schema.get(name), where)


class RoutesTest(testtools.TestCase):
    def test_policies_exist(self) -> None:
        known = {rule.name for rule in policies.list_rules()}
        self.assertEqual(
            [], sorted(name for name, row in rows() if row.policy and row.policy not in known)
        )

    def test_policies_are_used(self) -> None:
        used = {row.policy for _, row in rows()} | PERSONAS
        rules = {rule.name for rule in policies.list_rules()} - used
        source = "".join(
            module.path.read_text()
            for module in modules().values()
            if not module.within("policies")
        )
        self.assertEqual([], sorted(name for name in rules if f'"{name}"' not in source))

    def test_every_rule_tells_what_it_is_for(self) -> None:
        self.assertEqual(
            [], sorted(rule.name for rule in policies.list_rules() if not rule.description)
        )

    def test_schemas_are_bounded(self) -> None:
        self.assertEqual(
            [],
            sorted(
                {
                    f"{name}{problem}"
                    for name, row in rows()
                    for schema in schemas(row)
                    if not isinstance(schema, Raw)
                    for problem in unbounded(schema)
                }
            ),
        )

    def test_rows_do_not_hide_each_other(self) -> None:
        """Two rows for the same request in the same microversion: the second is never reached."""
        seen: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for service, found in SERVICES.items():
            for row in found:
                key = (service, row.verb, row.path, row.action or "")
                seen.setdefault(key, []).append(row.versions)
        clashes = [
            key
            for key, ranges in seen.items()
            for index, one in enumerate(ranges)
            for other in ranges[index + 1:]
            if _overlap(one, other)
        ]
        self.assertEqual([], clashes)


def _overlap(one: tuple[str, str], other: tuple[str, str]) -> bool:
    def first(text: str) -> tuple[int, ...]:
        return tuple(map(int, text.split("."))) if text else (0,)

    def last(text: str) -> tuple[int, ...]:
        return tuple(map(int, text.split("."))) if text else (999,)

    return first(one[0]) <= last(other[1]) and first(other[0]) <= last(one[1])


class BoundsTest(testtools.TestCase):
    def test_finds_what_has_no_bound(self) -> None:
        loose = {
            "type": "object",
            "properties": {
                "a": {"type": "string"},
                "b": {"type": ["integer", "null"], "minimum": 0},
                "c": {"type": "array", "items": {"type": "string", "maxLength": 3}},
                "d": {"enum": ["x"]},
                "e": {"anyOf": [{"type": "null"}, {"type": "string"}]},
                "f": {"type": "string", "pattern": "^[0-9]{1,10}$"},
                "g": {"type": "string", "pattern": "^[0-9]+$"},
            },
        }
        self.assertEqual([".a", ".b", ".c", ".e", ".g"],
                         [found.split(":")[0] for found in unbounded(loose)])
