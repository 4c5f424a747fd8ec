"""Documents: what is understood, and what is refused with the field and the remedy."""

from __future__ import annotations

import dataclasses

import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mycloud.agent.network import canonical
from mycloud.agent.network.canonical import Config
from mycloud.agent.network.host_state import HostState
from mycloud.agent.network.plan import plan
from mycloud.common import exceptions
from mycloud.privileged.network.model import Address, Link, Route, State

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["eth0", "192.0.2.7/24", "192.0.2.1", "2001:db8::7/64", "v4", "7"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner,
                                                                max_size=3),
    max_leaves=6,
)
NET = {"nic": "eth0"}


def changed(document: object, running: Config | None = None) -> Config:
    return canonical.change(document, running or Config()).config


def net(**fields: object) -> dict[str, object]:
    return {"networks": {"a": {**NET, **fields}}}


#: a document; the field that it is refused for; words of the remedy
REFUSED = (
    ("x", "document", "no object"),
    ({"network": {}}, "document.network", "did you mean networks?"),
    ({"networks": []}, "networks", "no object"),
    ({"networks": {"a": None}}, "networks.a", "no object"),
    ({"networks": {5: {}}}, "networks", "quotation marks"),
    ({"networks": {"a/b": NET}}, "networks.a/b", "no slash"),
    ({"networks": {"a" * 65: NET}}, f"networks.{'a' * 65}", "1 to 64"),
    ({"networks": {"a": {}}}, "networks.a", "either nic or bond"),
    (net(bond="bond0"), "networks.a", "either nic or bond"),
    (net(nic="-eth0"), "networks.a.nic", "interface's name"),
    (net(nic="eth0 up"), "networks.a.nic", "interface's name"),
    (net(briged=True), "networks.a.briged", "did you mean bridged?"),
    (net(bridged="perhaps"), "networks.a.bridged", "neither true nor false"),
    (net(vlan=4095), "networks.a.vlan", "1 to 4094"),
    (net(vlan=True), "networks.a.vlan", "whole number"),
    (net(mtu=67), "networks.a.mtu", "68 to"),
    (net(mtu=1200, addresses=["2001:db8::1/64"]), "networks.a.mtu", "1280"),
    (net(stp=True), "networks.a.stp", "set bridged"),
    (net(switch="ovs"), "networks.a.switch", "choose bridge or none"),
    (net(switch="none", bridged=True), "networks.a.switch", "leave one of them out"),
    (net(addresses="192.0.2.7"), "networks.a.addresses[0]", "write ADDRESS/LENGTH"),
    (net(addresses=["192.0.2.0/24"]), "networks.a.addresses[0]", "broadcast"),
    (net(addresses=["192.0.2.7/24", "192.0.2.7/25"]), "networks.a.addresses[1]", "twice"),
    (net(addresses=["fe80::7/64"]), "networks.a.addresses[0]", "leave it out"),
    (net(addresses={"v4": "192.0.2.7/24"}), "networks.a.addresses", "no list"),
    (net(dhcp="v5"), "networks.a.dhcp", "true, false, v4, v6 and both"),
    (net(dhcp=True, addresses=["192.0.2.7/24"]), "networks.a.dhcp", "choose one"),
    (net(dhcp=True, gateway="192.0.2.1", default_route=True), "networks.a.gateway",
     "leave this one out"),
    (net(gateway="192.0.2.1", default_route=True), "networks.a.gateway", "without an address"),
    (net(gateway="192.0.3.1", addresses=["192.0.2.7/24"], default_route=True),
     "networks.a.gateway", "in none of the networks"),
    (net(gateway=["192.0.2.1", "192.0.2.2"], addresses=["192.0.2.7/24"], default_route=True),
     "networks.a.gateway", "two gateways"),
    (net(default_route=True), "networks.a.default_route", "name the gateway"),
    (net(name_servers=["ns.example"]), "networks.a.name_servers[0]", "no IP address"),
    (net(remove=True), "networks.a", "stands alone"),
    ({"networks": {"a": {"remove": True}}}, "networks.a", "there is none"),
    ({"bonds": {"bond0": {}}}, "bonds.bond0.nics", "one NIC at least"),
    ({"bonds": {"b" * 16: {"nics": ["eth0"]}}}, f"bonds.{'b' * 16}", "1 to 15"),
    ({"bonds": {"bond0": {"nics": ["eth0", "eth0"]}}}, "bonds.bond0.nics[1]", "twice"),
    ({"bonds": {"bond0": {"nics": ["eth0"], "mode": "fast"}}}, "bonds.bond0.mode",
     "one of balance-rr"),
    ({"bonds": {"bond0": {"nics": ["eth0"], "options": {"milmon": 1}}}},
     "bonds.bond0.options.milmon", "there are: mode, miimon"),
    ({"bonds": {"bond0": {"nics": ["eth0"], "options": {"miimon": -1}}}},
     "bonds.bond0.options.miimon", "from 0"),
    ({"bonds": {"bond0": {"nics": ["eth0"], "options": {"mode": 1}}}},
     "bonds.bond0.options.mode", "beside options"),
    ({"options": {"connectivity_timeout": 0}}, "options.connectivity_timeout", "from 1"),
    ({"options": {"timeout": 5}}, "options.timeout", "connectivity_timeout"),
)


class DocumentsTest(testtools.TestCase):
    def test_refused(self) -> None:
        for document, field, words in REFUSED:
            error = self.assertRaises(exceptions.BadField, changed, document)
            self.assertEqual(field, error.kwargs["field"], document)
            self.assertIn(words, error.message, document)

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(JSON | st.fixed_dictionaries({}, optional={
        "networks": st.dictionaries(st.text(max_size=4), st.fixed_dictionaries(
            {}, optional=dict.fromkeys(canonical.NETWORK_FIELDS, JSON)
        ) | JSON, max_size=2),
        "bonds": st.dictionaries(st.text(max_size=4), st.fixed_dictionaries({}, optional={
            "nics": st.just(["eth0"]) | JSON, "mode": JSON, "options": JSON,
        }) | JSON, max_size=2),
        "options": JSON,
    }))
    def test_nonsense_is_refused_by_its_field(self, document: object) -> None:
        try:
            config = changed(document)
        except exceptions.BadField as error:
            self.assertTrue(error.kwargs["field"])
        else:
            self.assertEqual(config, changed(canonical.to_document(config)))

    def test_forms(self) -> None:
        config = changed(net(
            vlan="7", switch="bridge", addresses=["192.0.2.7/255.255.255.0", "2001:DB8::7/64"],
            gateway="192.0.2.1", default_route="yes", name_servers=["192.0.2.53"],
        ))
        network = config.networks["a"]
        self.assertEqual(("192.0.2.7/24", "2001:db8::7/64"), network.addresses)
        self.assertEqual((7, True, True), (network.vlan, network.bridged, network.default_route))
        self.assertEqual(("eth0.7", "a"), (network.carrier, network.device))

    def test_the_canonical_form_stays_as_it_is(self) -> None:
        config = changed({
            "networks": {"a": {**NET, "dhcp": "both"}, "b": {"bond": "bond0", "vlan": 9}},
            "bonds": {"bond0": {"nics": ["eth2", "eth1"], "mode": 4}},
        })
        document = canonical.to_document(config)
        self.assertEqual(config, changed(document))
        self.assertEqual(document, canonical.to_document(changed(document)))
        self.assertEqual("802.3ad", document["bonds"]["bond0"]["mode"])

    def test_what_is_not_named_stays(self) -> None:
        running = changed({"networks": {"a": NET, "b": {**NET, "vlan": 5}}})
        self.assertEqual(
            {"a", "c"},
            set(changed({"networks": {"b": {"remove": True}, "c": {"nic": "eth1"}}},
                        running).networks),
        )

    def test_seconds(self) -> None:
        self.assertEqual(120, canonical.change({}, Config()).seconds)
        document = {"options": {"connectivity_timeout": "30"}}
        self.assertEqual(30, canonical.change(document, Config()).seconds)


HOST = State(
    {
        "lo": Link("lo", mtu=65536),
        **{name: Link(name) for name in ("eth0", "eth1", "eth9", "virbr0", "docker0")},
        "eth2": Link("eth2", master="virbr0"), "eth3.5": Link("eth3.5", base="eth3", vlan=5),
        "eth3": Link("eth3"),
    },
    frozenset({Address("eth9", "198.51.100.9/24")}),
    frozenset({Route("eth9", "0.0.0.0/0", "198.51.100.1")}),
)
KINDS = {"virbr0": "bridge", "docker0": "bridge", "eth3.5": "vlan"}

UNFIT = (
    ({"networks": {"a": {"bond": "bond0"}}}, "networks.a.bond", "describe it under bonds"),
    ({"networks": {"a": {"nic": "eth8"}}}, "networks.a.nic", "it has: eth0, eth1, eth2"),
    ({"networks": {"a": {"nic": "virbr0"}}}, "networks.a.nic", "is no NIC (it is a bridge)"),
    ({"networks": {"a": {"nic": "lo"}}}, "networks.a.nic", "is no NIC"),
    ({"networks": {"a": NET, "b": NET}}, "networks.b.vlan", "choose another VLAN"),
    ({"networks": {"a": {**NET, "vlan": 5}, "b": {**NET, "vlan": 5}}}, "networks.b.vlan",
     "has the VLAN 5 on eth0"),
    ({"networks": {"a": NET}, "bonds": {"bond0": {"nics": ["eth0"]}}}, "networks.a.nic",
     "put the network on the bond"),
    ({"bonds": {"bond0": {"nics": ["eth0"]}, "bond1": {"nics": ["eth0"]}}},
     "bonds.bond1.nics[0]", "leave it to one of them"),
    ({"networks": {"a": {**NET, "mtu": 1500}, "b": {**NET, "vlan": 5, "mtu": 9000}}},
     "networks.b.mtu", "is above 1500"),
    ({"networks": {"a": {**NET, "addresses": ["192.0.2.7/24"]},
                   "b": {"nic": "eth1", "addresses": ["192.0.2.7/24"]}}},
     "networks.b.addresses", "choose another one"),
    ({"networks": {name: {"nic": nic, "dhcp": True, "default_route": True}
                   for name, nic in (("a", "eth0"), ("b", "eth1"))}},
     "networks.b.default_route", "leave it to one of them"),
    ({"networks": {"a": {**NET, "name_servers": ["192.0.2.53"]}}}, "networks.a.name_servers",
     "give it the default route"),
    ({"networks": {"docker0": {**NET, "bridged": True}}}, "networks.docker0",
     "mycloud has not made"),
    ({"networks": {"eth1": {**NET, "bridged": True}}}, "networks.eth1", "mycloud has not made"),
    ({"networks": {"bond0": {**NET, "bridged": True}}, "bonds": {"bond0": {"nics": ["eth1"]}}},
     "networks.bond0", "choose another name"),
    ({"networks": {"a": {"nic": "eth2"}}}, "networks.a.nic", "is a port of virbr0"),
    ({"bonds": {"bond0": {"nics": ["eth3"]}}}, "bonds.bond0.nics[0]", "remove it first"),
    ({"networks": {"a": {**NET, "addresses": ["198.51.100.9/24"]}}}, "networks.a.addresses[0]",
     "is on eth9"),
    ({"networks": {"a": {**NET, "addresses": ["192.0.2.7/24"], "gateway": "192.0.2.1",
                         "default_route": True}}},
     "networks.a.default_route", "remove that one first"),
)


class ValidationTest(testtools.TestCase):
    def host(self) -> HostState:
        return HostState(HOST, {name: KINDS.get(name, "") for name in HOST.links}, frozenset())

    def test_refused(self) -> None:
        for document, field, words in UNFIT:
            error = self.assertRaises(
                exceptions.BadField, plan, canonical.change(document, Config()), Config(),
                self.host(),
            )
            self.assertEqual(field, error.kwargs["field"], document)
            self.assertIn(words, error.message, document)

    def test_an_untagged_bridge_beside_vlans_with_larger_packets(self) -> None:
        document = {"networks": {
            "a": {**NET, "bridged": True}, "b": {**NET, "vlan": 5, "mtu": 9000},
        }}
        made = plan(canonical.change(document, Config()), Config(), self.host())
        self.assertEqual(
            [9000, 1500, 9000], [made.target.links[name].mtu for name in ("eth0", "a", "eth0.5")]
        )

    def test_a_default_route_of_another_metric_may_stay(self) -> None:
        route = Route("eth9", "0.0.0.0/0", "198.51.100.1", metric=100)
        state = dataclasses.replace(HOST, routes=frozenset({route}))
        document = {"networks": {"a": {**NET, "addresses": ["192.0.2.7/24"],
                                       "gateway": "192.0.2.1", "default_route": True}}}
        host = dataclasses.replace(self.host(), now=state)
        made = plan(canonical.change(document, Config()), Config(), host)
        self.assertEqual("add the default route by 192.0.2.1 on a", made.lines[-1].replace(
            "eth0", "a"
        ))
