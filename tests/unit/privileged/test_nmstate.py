"""nmstate: what it is told, by a program that notes what it was called with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fixtures
import testtools

from mycloud.agent.network import canonical
from mycloud.agent.network.canonical import Config
from mycloud.agent.network.host_state import HostState
from mycloud.agent.network.plan import Plan, plan
from mycloud.privileged import errors
from mycloud.privileged.checkpoint.keeper import Keeper, Wanted
from mycloud.privileged.checkpoint.store import Store
from mycloud.privileged.network.actions import applied
from mycloud.privileged.network.model import Link, State
from mycloud.privileged.network.nmstate import Nmstate, desired

GOLDEN = Path(__file__).with_name("nmstate_desired.json")
DOCUMENT = {
    "networks": {
        "management": {
            "nic": "eth0", "bridged": True, "addresses": ["192.0.2.7/24", "2001:db8::7/64"],
            "gateway": ["192.0.2.1"], "default_route": True, "name_servers": ["192.0.2.53"],
        },
        "storage": {"bond": "bond0", "vlan": 20, "mtu": 9000, "dhcp": "both"},
        "guests": {"bond": "bond0", "vlan": 30, "bridged": True, "stp": True},
    },
    "bonds": {"bond0": {"nics": ["eth1", "eth2"], "mode": "802.3ad",
                        "options": {"lacp_rate": "fast"}}},
}
FAKE = """#!/bin/sh
echo "$*" >> {notes}/calls
[ "$1" = apply ] && cat > {notes}/told
[ -e {notes}/fails ] && {{ echo "no checkpoint" >&2; exit 1; }}
exit 0
"""


def bare() -> State:
    return State(
        {name: Link(name) for name in ("eth0", "eth1", "eth2")}, name_servers=("192.0.2.1",)
    )


def planned(document: object, state: State, running: Config) -> Plan:
    kinds = {name: link.kind for name, link in state.links.items()}
    own = frozenset(name for name in kinds if kinds[name])
    return plan(canonical.change(document, running), running, HostState(state, kinds, own))


class DesiredTest(testtools.TestCase):
    def test_golden(self) -> None:
        first = planned(DOCUMENT, bare(), Config())
        now = applied(bare(), first.steps)
        second = planned({"networks": {
            "management": {"remove": True}, "guests": {"remove": True},
        }}, now, first.config)
        told = {
            "first": desired(first.target, first.scope, bare()),
            "second": desired(second.target, second.scope, now),
        }
        self.assertEqual(json.loads(GOLDEN.read_text()), told)


class ProgramTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        self.notes = Path(self.useFixture(fixtures.TempDir()).path)
        program = self.notes / "nmstatectl"
        program.write_text(FAKE.format(notes=self.notes))
        program.chmod(0o755)
        self.state = bare()
        self.marked: list[str] = []
        self.nmstate = Nmstate(lambda: self.state, self.marked.extend, str(program))
        self.plan = planned(DOCUMENT, bare(), Config())
        self.keeper = self.life()

    def life(self) -> Keeper:
        made = Keeper(Store(self.notes / "state"), {"nmstate": self.nmstate})
        made.resume()
        return made

    def calls(self) -> list[str]:
        return (self.notes / "calls").read_text().splitlines()

    def applied(self) -> dict[str, Any]:
        armed = self.keeper.arm(Wanted(
            DOCUMENT, self.plan.target, self.plan.scope, self.plan.kept, "nmstate"
        ), 60)
        target, scope, seconds = self.keeper.armed_target(armed["id"])
        self.nmstate.apply(target, scope, seconds)
        self.state = applied(bare(), self.plan.steps)
        return armed

    def test_apply_and_commit(self) -> None:
        armed = self.applied()
        self.assertEqual("apply --no-commit --timeout 89 -", self.calls()[0])
        self.assertEqual(
            json.loads(GOLDEN.read_text())["first"],
            json.loads((self.notes / "told").read_text()),
        )
        self.assertEqual(["bond0", "bond0.20", "bond0.30", "guests", "management"], self.marked)
        self.keeper.commit(armed["id"])
        self.assertEqual("commit", self.calls()[1])
        self.assertEqual([], planned(DOCUMENT, self.state, self.plan.config).steps)

    def test_roll_back(self) -> None:
        armed = self.applied()
        self.state = bare()
        self.assertEqual([], self.keeper.roll_back(armed["id"], "")["problems"])
        self.assertEqual("rollback", self.calls()[1])

    def test_a_roll_back_that_fails_is_told(self) -> None:
        armed = self.applied()
        (self.notes / "fails").touch()
        problems = self.keeper.roll_back(armed["id"], "")["problems"]
        self.assertIn("no checkpoint: remove the bridge management", " ".join(problems))

    def test_a_commit_that_fails_is_none(self) -> None:
        armed = self.applied()
        (self.notes / "fails").touch()
        self.assertRaises(errors.ProgramFailed, self.keeper.commit, armed["id"])
        status = self.keeper.status()
        self.assertIsNone(status["committed"])
        self.assertEqual(armed["id"], status["armed"]["id"])

    def test_the_start_of_the_host(self) -> None:
        self.keeper.commit(self.applied()["id"])
        store = Store(self.notes / "state")
        store.write("boot", {"id": "another"})
        self.life()
        self.assertEqual("apply -", self.calls()[-1])

    def test_where_it_is_not_installed(self) -> None:
        nmstate = Nmstate(lambda: self.state, print, "/nowhere/nmstatectl")
        error = self.assertRaises(
            errors.ProgramFailed, nmstate.apply, self.plan.target, self.plan.scope, 60
        )
        self.assertIn("is not installed", error.message)

    def test_shares_are_set_beside_it(self) -> None:
        settled: list[tuple[object, object]] = []
        trouble: list[str] = []

        def settle(target: object, scope: object) -> list[str]:
            settled.append((target, scope))
            return trouble

        nmstate = Nmstate(
            lambda: self.state, self.marked.extend, str(self.notes / "nmstatectl"), settle=settle
        )
        target, scope = self.plan.target, self.plan.scope
        nmstate.apply(target, scope, 60)
        self.assertEqual([], nmstate.restore(target, scope))
        nmstate.go_back(self.state, scope)
        self.assertEqual([(target, scope)] * 2 + [(self.state, scope)], settled)
        trouble.append("eth1: the untagged network sends by share 70: in the way")
        self.assertEqual(trouble, nmstate.restore(target, scope))
        error = self.assertRaises(errors.SystemFailed, nmstate.apply, target, scope, 60)
        self.assertIn("in the way", error.message)
