"""Patches and list queries made of anything: they are understood, or refused with a reason."""

import hypothesis
import testtools
from hypothesis import strategies as st

from mycloud import conf
from mycloud.api import schema
from mycloud.api.image import documents, filters
from mycloud.common import clock, exceptions, states
from mycloud.image import patches

_QUICK = hypothesis.settings(deadline=None, max_examples=300, derandomize=True)
_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_PATHS = st.sampled_from(
    ["/name", "/tags", "/owner", "/min_disk", "/a~1b", "/a~", "/locations/-", "/status", "", "/"]
) | st.text(max_size=8) | _SCALARS
_OPERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["add", "replace", "remove", "test"]) | _SCALARS,
        "add": _PATHS, "replace": _PATHS, "remove": _PATHS, "path": _PATHS, "value": _VALUES,
    },
)
_KEYS = st.sampled_from([*filters.QUERY["properties"], *filters._LISTS, *filters._INTEGERS,
                         *filters._FLAGS, *filters._TIMES, "size_min", "size_max", "sort"])
_TEXTS = st.text(max_size=12) | st.sampled_from(
    ["in:", 'in:"', "in:a,b", "gt:", "lte:2026-01-01", "-1", "1" * 30, "name:asc", "name:asc,"]
)


def check(name, value):
    schema.check({name: value}, documents.ATTRIBUTE, where="the patch")


def image():
    return {
        "id": clock.new_id(), "name": "x", "visibility": "shared", "protected": False,
        "hidden": False, "disk_format": None, "container_format": None, "min_disk": 0,
        "min_ram": 0, "owner": "red", "status": states.Image.QUEUED,
        "properties": {"colour": "red"}, "tags": [],
    }


class NonsenseTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        conf.register_all()

    @_QUICK
    @hypothesis.given(st.lists(_OPERATIONS | _VALUES, max_size=3) | _VALUES, st.booleans())
    def test_patches(self, document, keyed):
        try:
            operations = patches.parse(document, keyed=keyed, check=check)
        except exceptions.BadField:
            return
        for operation in operations:
            self.assertIn(operation.verb, ("add", "replace", "remove"))
            self.assertTrue(operation.name.isprintable())
            if operation.name in ("owner", "visibility"):
                return
        try:
            changed = patches.apply(None, image(), operations)
        except (exceptions.ImageAttributeFixed, exceptions.ImagePropertyMissing):
            return
        self.assertEqual(sorted(set(changed["tags"])), changed["tags"])
        self.assertTrue(all(isinstance(name, str) for name in changed["properties"]))

    @_QUICK
    @hypothesis.given(st.lists(st.tuples(_KEYS | st.text(max_size=5), _TEXTS), max_size=4))
    def test_queries(self, items):
        try:
            query = schema.parse_query(items, filters.QUERY)
            wanted = filters.wanted(query)
            limit = filters.limit(query)
        except exceptions.BadField as error:
            self.assertTrue(error.message)
            return
        self.assertTrue(wanted.order)
        self.assertGreaterEqual(limit, 0)
