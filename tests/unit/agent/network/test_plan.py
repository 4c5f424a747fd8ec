"""Plans: what is wanted, and the steps to it."""

from __future__ import annotations

import dataclasses

import testtools
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mycloud.agent.network import canonical
from mycloud.agent.network.canonical import Config
from mycloud.agent.network.host_state import HostState
from mycloud.agent.network.plan import Plan, plan
from mycloud.common import exceptions
from mycloud.privileged.network.actions import applied, inverses
from mycloud.privileged.network.difference import difference
from mycloud.privileged.network.model import (
    Address,
    Link,
    Route,
    State,
    state_from_json,
    state_to_json,
)

NICS = ("eth0", "eth1", "eth2", "eth3")
LO = Link("lo", mtu=65536)


def host(state: State) -> HostState:
    return HostState(
        state, {name: link.kind for name, link in state.links.items()},
        frozenset(name for name, link in state.links.items() if link.kind),
    )


def bare(*nics: str) -> State:
    return State(
        {"lo": LO, **{nic: Link(nic) for nic in nics or NICS}}, name_servers=("192.0.2.1",)
    )


def planned(document: object, state: State, running: Config | None = None) -> Plan:
    running = running or Config()
    return plan(canonical.change(document, running), running, host(state))


class StepsTest(testtools.TestCase):
    def test_a_bridge_takes_the_address_of_its_nic(self) -> None:
        state = dataclasses.replace(
            bare("eth0"), addresses=frozenset({Address("eth0", "192.0.2.7/24")}),
            routes=frozenset({Route("eth0", "0.0.0.0/0", "192.0.2.1", protocol=16)}),
        )
        made = planned({"networks": {"management": {
            "nic": "eth0", "bridged": True, "addresses": ["192.0.2.7/24"],
            "gateway": "192.0.2.1", "default_route": True, "name_servers": ["192.0.2.53"],
        }}}, state)
        self.assertEqual([
            "remove the default route by 192.0.2.1 on eth0",
            "eth0: remove address 192.0.2.7/24",
            "make the bridge: management (MTU 1500, stp off)",
            "eth0: port of management",
            "management: up",
            "management: add address 192.0.2.7/24",
            "add the default route by 192.0.2.1 on management",
            "name servers: 192.0.2.53",
        ], made.lines)

    def test_vlans_on_a_bond(self) -> None:
        made = planned({
            "networks": {
                "storage": {"bond": "bond0", "vlan": 20, "mtu": 9000,
                            "addresses": ["10.0.0.1/24"]},
                "guests": {"bond": "bond0", "vlan": 30, "bridged": True},
            },
            "bonds": {"bond0": {"nics": ["eth2", "eth1"], "mode": "802.3ad",
                                "options": {"lacp_rate": 1, "miimon": "100"}}},
        }, bare("eth1", "eth2"))
        self.assertEqual([
            "eth1: down",
            "eth2: down",
            "eth1: MTU 9000",
            "eth2: MTU 9000",
            "make the bond: bond0 (MTU 9000, lacp_rate fast, miimon 100, mode 802.3ad)",
            "make the bridge: guests (MTU 1500, stp off)",
            "make the vlan 20 on bond0: bond0.20 (MTU 9000)",
            "make the vlan 30 on bond0: bond0.30 (MTU 1500)",
            "eth1: port of bond0",
            "eth2: port of bond0",
            "bond0.30: port of guests",
            "bond0: up", "eth1: up", "eth2: up", "guests: up",
            "bond0.20: up", "bond0.30: up",
            "bond0.20: add address 10.0.0.1/24",
        ], made.lines)

    def test_another_mode_builds_the_bond_anew_with_what_lies_on_it(self) -> None:
        document = {
            "networks": {"a": {"bond": "bond0", "vlan": 20, "addresses": ["10.0.0.1/24"]}},
            "bonds": {"bond0": {"nics": ["eth1"]}},
        }
        first = planned(document, bare())
        now = applied(bare(), first.steps)
        other = {"bonds": {"bond0": {"nics": ["eth1"], "mode": "balance-xor"}}}
        made = planned(other, now, first.config)
        self.assertIn("remove the vlan bond0.20", made.lines)
        self.assertIn("remove the bond bond0", made.lines)
        self.assertIn("make the bond: bond0 (MTU 1500, miimon 100, mode balance-xor)", made.lines)
        self.assertEqual([], planned(other, applied(now, made.steps), made.config).lines)

    def test_a_bridge_with_guests_is_not_removed(self) -> None:
        document = {"networks": {"guests": {"nic": "eth1", "bridged": True}}}
        first = planned(document, bare())
        now = applied(bare(), first.steps)
        now = dataclasses.replace(
            now, links={**now.links, "tap7": Link("tap7", master="guests")}
        )
        error = self.assertRaises(
            exceptions.HostNetworkInUse, planned,
            {"networks": {"guests": {"remove": True}}}, now, first.config,
        )
        self.assertIn("tap7 uses guests", error.message)

    def test_a_nic_under_vlans_keeps_its_own_addresses(self) -> None:
        state = dataclasses.replace(
            bare("eth0"), addresses=frozenset({Address("eth0", "192.0.2.7/24", leased=True)})
        )
        made = planned({"networks": {"a": {"nic": "eth0", "vlan": 5}}}, state)
        self.assertEqual(
            ["make the vlan 5 on eth0: eth0.5 (MTU 1500)", "eth0.5: up"], made.lines
        )
        self.assertNotIn("eth0", made.kept.addressed)

    def test_names_that_are_too_long_are_derived(self) -> None:
        made = planned({"networks": {
            "the network of the guests": {"nic": "enp65s0f1np1abc", "vlan": 4001,
                                          "bridged": True},
        }}, bare("enp65s0f1np1abc"))
        names = set(made.target.links) - {"enp65s0f1np1abc"}
        self.assertEqual({15}, {len(name) for name in names})
        self.assertEqual({"my", "vl"}, {name[:2] for name in names})

    def test_states_survive_json(self) -> None:
        first = planned({
            "networks": {"a": {"bond": "bond0", "vlan": 20, "addresses": ["10.0.0.1/24"],
                               "dhcp": "v6", "qos": {"out": {"rt": "1Mbit"}}}},
            "bonds": {"bond0": {"nics": ["eth1"]}},
        }, bare())
        self.assertEqual(first.target, state_from_json(state_to_json(first.target)))


OCTET = st.integers(1, 200)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, object]:
    """What a person might write for a host with four NICs."""
    nics = list(draw(st.permutations(NICS)))
    bonds: dict[str, object] = {}
    bases: list[tuple[str, str]] = []
    for name in ("bond0", "bond1")[: draw(st.integers(0, 2))]:
        taken = [nics.pop() for _ in range(draw(st.integers(1, 2))) if nics]
        if taken:
            bonds[name] = {
                "nics": taken, "mode": draw(st.sampled_from(["active-backup", "802.3ad"])),
                "options": draw(st.sampled_from([{}, {"updelay": 200}])),
            }
            bases.append(("bond", name))
    bases += [("nic", nic) for nic in nics]
    networks: dict[str, object] = {}
    leads = draw(st.integers(0, 3))
    for number in range(draw(st.integers(0, 4))):
        kind, base = draw(st.sampled_from(bases))
        network: dict[str, object] = {
            kind: base, "bridged": draw(st.booleans()),
            "mtu": draw(st.sampled_from([1500, 1400, 9000])),
        }
        if draw(st.booleans()):
            network["vlan"] = draw(st.integers(1, 3))
        addressed = draw(st.sampled_from(["no", "v4", "both", "dhcp"]))
        if addressed in ("v4", "both"):
            network["addresses"] = [f"10.0.{number}.{draw(OCTET)}/24"]
        if addressed == "both":
            network["addresses"].append(f"2001:db8:{number}::{draw(OCTET)}/64")  # type: ignore[attr-defined]
        if addressed == "dhcp":
            network["dhcp"] = True
        if number != leads and addressed in ("v4", "both") and draw(st.booleans()):
            network["gateway"] = f"10.0.{number}.254"
        if number == leads and addressed in ("v4", "both"):
            network |= {"default_route": True, "gateway": f"10.0.{number}.254",
                        "name_servers": [f"10.0.{number}.253"]}
        if draw(st.booleans()):
            curves = draw(st.sampled_from([{}, {"ls": 70}, {"ul": "2Gbit", "rt": "5Mbit"}]))
            network["qos"] = {"out": curves}
        networks[f"net{number}"] = network
    return {"networks": networks, "bonds": bonds}


@st.composite
def hosts(draw: st.DrawFn) -> State:
    """Four NICs as an installer may have left them."""
    state = bare()
    for number, nic in enumerate(NICS):
        up = draw(st.booleans())
        link = Link(nic, up=up, mtu=draw(st.sampled_from([1500, 1400, 9000])))
        state = dataclasses.replace(state, links={**state.links, nic: link})
        if up and draw(st.booleans()):
            addresses = {
                Address(nic, f"172.16.{number}.5/24", leased=draw(st.booleans())),
                Address(nic, f"2001:db8:f{number}::5/64"),
            }
            routes = {
                Route(nic, f"10.{number}.0.0/16", f"172.16.{number}.1"),
                Route(nic, f"2001:db8:{number}f::/64", f"2001:db8:f{number}::1", 1024),
            }
            state = dataclasses.replace(
                state, addresses=state.addresses | addresses, routes=state.routes | routes
            )
    return state


def removal(config: Config) -> dict[str, object]:
    return {
        "networks": {name: {"remove": True} for name in config.networks},
        "bonds": {name: {"remove": True} for name in config.bonds},
    }


def whole(document: dict[str, object], running: Config) -> dict[str, object]:
    """The document, and the removal of all that it does not name."""
    gone = removal(running)
    return {key: {**gone[key], **document[key]} for key in ("networks", "bonds")}  # type: ignore[dict-item]


class PropertiesTest(testtools.TestCase):
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(hosts(), documents(), documents(), st.floats(0, 1))
    def test_there_and_back(
        self, before: State, one: dict[str, object], two: dict[str, object], cut: float
    ) -> None:
        try:
            first = planned(one, before)
        except exceptions.BadField:
            assume(False)
        now = applied(before, first.steps)
        self.arrived(first, now)
        self.assertEqual([], planned(one, now, first.config).steps)
        self.assertEqual(before, applied(now, first.back))
        try:
            second = planned(whole(two, first.config), now, first.config)
        except exceptions.BadField:
            assume(False)
        later = applied(now, second.steps)
        self.arrived(second, later)
        self.assertEqual(now, applied(later, inverses(second.steps)))
        # the way that the root helper takes: from what it finds to what it has noted
        self.assertEqual(now, applied(later, difference(later, now, second.scope, force=True)))
        half = applied(now, second.steps[: int(cut * len(second.steps))])
        self.assertEqual(now, applied(half, difference(half, now, second.scope)))

    def arrived(self, made: Plan, now: State) -> None:
        for name, link in made.target.links.items():
            self.assertEqual(link, now.links[name])
        self.assertEqual(
            {name for name in made.scope.links if name in made.target.links},
            {name for name in made.scope.links if name in now.links},
        )
        for kind in ("addresses", "routes", "dhcp", "source_routes"):
            self.assertEqual(
                set(getattr(made.target, kind)),
                {each for each in getattr(now, kind)
                 if each.link in made.scope.addressed},
            )
        self.assertEqual(
            set(made.target.shares),
            {each for each in now.shares if each.link in made.scope.links},
        )
