"""States of a host's network as JSON: what root is told is checked to the last field."""

from __future__ import annotations

import json
from typing import Any

import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mycloud.privileged import errors
from mycloud.privileged.network import model
from mycloud.privileged.network.difference import Conflict, difference
from mycloud.privileged.network.model import Link, Scope, State

NAMES = st.sampled_from(["a", "b", "c", "eth0"])
VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | NAMES
    | st.sampled_from(["bridge", "vlan", "bond", "10.0.0.1/24", "0.0.0.0/0", "10.0.0.2", "v4"])
    | st.dictionaries(st.sampled_from(["mode", "stp", "x"]), st.integers() | st.text(max_size=4))
    | st.lists(st.integers(), max_size=2)
)


def things(*fields: str) -> st.SearchStrategy[Any]:
    return st.lists(
        st.fixed_dictionaries({}, optional=dict.fromkeys(fields, VALUES)) | VALUES, max_size=4
    )


LINKS = st.lists(st.fixed_dictionaries({"name": NAMES}, optional={
    "kind": st.sampled_from(["", "bridge", "vlan", "bond"]), "up": st.booleans(),
    "mtu": st.integers(68, 2000), "master": NAMES, "base": NAMES, "vlan": st.integers(1, 5),
    "options": st.dictionaries(st.sampled_from(["mode", "stp"]), VALUES, max_size=2),
}), max_size=4)
WHOLE = st.fixed_dictionaries({}, optional={
    "links": LINKS | things("name", "kind", "up", "mtu", "master", "base", "vlan", "options"),
    "addresses": things("link", "address", "leased", "valid"),
    "routes": things("link", "destination", "gateway", "metric", "source", "onlink"),
    "dhcp": things("link", "family", "default_route"),
    "name_servers": VALUES | st.lists(VALUES, max_size=2),
})
HOST = State({name: Link(name) for name in ("eth0", "eth1")}, name_servers=())


class NonsenseTest(testtools.TestCase):
    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(WHOLE | VALUES)
    def test_a_state_or_a_refusal(self, told: Any) -> None:
        try:
            state = model.state_from_json(told)
        except errors.InvalidArguments:
            return
        again = json.loads(json.dumps(model.state_to_json(state)))
        self.assertEqual(state, model.state_from_json(again))
        # whatever it says, there is a way to it or a refusal
        scope = Scope(frozenset(state.links), frozenset(state.links))
        try:
            difference(HOST, state, scope)
        except Conflict as error:
            self.assertTrue(str(error))

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(VALUES | st.fixed_dictionaries({}, optional={
        "links": VALUES | st.lists(VALUES, max_size=3), "addressed": st.lists(NAMES, max_size=3),
    }))
    def test_a_scope_or_a_refusal(self, told: Any) -> None:
        try:
            scope = model.scope_from_json(told)
        except errors.InvalidArguments:
            return
        self.assertLessEqual(scope.addressed, scope.links)
