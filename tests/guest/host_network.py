"""Networks of a host on bonds and VLANs, set up as the agent does it, by an ordinary user.

``eth0`` and ``eth1`` are the host's; ``eth2`` is on the same hub, in a namespace: the other end.
"""

import json
import time
import unittest

from mycloud.agent.netinfo.facts import Facts
from mycloud.agent.network.setup import Setup
from mycloud.common import exceptions
from mycloud.privileged import client
from tests.guest.root import run

FAR = "far"
BONDED = {
    "networks": {
        "guests": {"bond": "bond7", "vlan": 100, "bridged": True, "mtu": 1400,
                   "addresses": ["192.0.2.7/24"]},
        "storage": {"bond": "bond7", "vlan": 101, "addresses": ["198.51.100.7/24"]},
    },
    "bonds": {"bond7": {"nics": ["eth0", "eth1"], "mode": "active-backup",
                        "options": {"miimon": 100}}},
}
_SECONDS = 30


def links(*words):
    """What ``ip -d -j link`` shows, by name."""
    return {each["ifname"]: each for each in json.loads(run("ip", "-d", "-j", "link", *words))}


def data(link):
    """What it shows of a link's kind."""
    return link["linkinfo"].get("info_data", {})


class HostNetworkTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        run("ip", "netns", "add", FAR)
        run("ip", "link", "set", "eth2", "netns", FAR)
        for line in (
            "link set lo up", "link set eth2 up",
            "link add link eth2 name vlan100 type vlan id 100", "link set vlan100 up",
            "addr add 192.0.2.1/24 dev vlan100",
        ):
            run("ip", "-n", FAR, *line.split())
        cls.bring_up()

    @staticmethod
    def bring_up():
        """The host as it is before mycloud sets up anything."""
        for nic in ("eth0", "eth1"):
            run("ip", "link", "set", nic, "mtu", "1500", "up")
        run("ip", "addr", "replace", "203.0.113.7/24", "dev", "eth0")

    def setUp(self):
        self.setup = Setup(client.call)
        self.before = self.seen()

    def tearDown(self):
        armed = self.setup.status()["armed"]
        if armed is not None:
            self.setup.rollback(armed["id"])

    def seen(self):
        """Links, addresses and routes, but for what the kernel gives by itself."""
        addresses = sorted(
            (link["ifname"], each["local"], each["prefixlen"])
            for link in json.loads(run("ip", "-j", "addr")) for each in link["addr_info"]
            if each["scope"] == "global"
        )
        return (
            sorted(
                (name, each["mtu"], "UP" in each["flags"], each.get("master"), each["address"])
                for name, each in links().items()
            ),
            addresses,
            sorted(
                (each["dst"], each["dev"], each.get("gateway"))
                for each in json.loads(run("ip", "-j", "-4", "route"))
            ),
        )

    def wait_for(self, ready, what):
        deadline = time.monotonic() + _SECONDS
        while not ready():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.2)

    def reaches(self, address="192.0.2.1"):
        """The other end, through bridge, VLAN and bond."""
        try:
            run("busybox", "ping", "-c", "1", "-W", "5", address)
        except AssertionError:
            return False
        return True

    def test_bond_vlan_and_bridge(self):
        done = self.setup.apply(BONDED, 120)
        found = links()
        self.assertEqual(
            ("bond", "active-backup", 100),
            (found["bond7"]["linkinfo"]["info_kind"], data(found["bond7"])["mode"],
             data(found["bond7"])["miimon"]),
        )
        for nic in ("eth0", "eth1"):
            self.assertEqual("bond7", found[nic]["master"])
        for vlan in (100, 101):
            link = found[f"bond7.{vlan}"]
            self.assertEqual(("bond7", vlan, "802.1Q"), (
                link["link"], data(link)["id"], data(link)["protocol"],
            ))
        self.assertEqual("guests", found["bond7.100"]["master"])
        self.assertEqual(
            ("bridge", 1400), (found["guests"]["linkinfo"]["info_kind"], found["guests"]["mtu"])
        )
        self.assertEqual(
            [("bond7.101", "198.51.100.7", 24), ("guests", "192.0.2.7", 24)], self.seen()[1]
        )
        self.wait_for(self.reaches, "the other end answers")
        self.facts_are_true()
        # the other NIC takes over
        active = data(links()["bond7"])["active_slave"]
        run("ip", "link", "set", active, "down")
        self.wait_for(
            lambda: data(links()["bond7"]).get("active_slave") not in (None, active),
            "the other NIC is active",
        )
        self.wait_for(self.reaches, "the other end answers through the other NIC")
        run("ip", "link", "set", active, "up")
        ended = self.setup.rollback(done["checkpoint"])
        self.assertEqual([], ended["problems"])
        self.assertEqual(self.before, self.seen())

    def facts_are_true(self):
        told = Facts().capabilities()
        self.assertEqual({"eth0", "eth1"}, set(told["bonds"]["bond7"]["members"]))
        self.assertEqual(
            ("active-backup", 100),
            (told["bonds"]["bond7"]["mode"], told["bonds"]["bond7"]["miimon_ms"]),
        )
        self.assertEqual(
            (100, "bond7", "guests"),
            tuple(told["vlans"]["bond7.100"][name] for name in ("vlan", "parent", "master")),
        )
        self.assertEqual(["bond7.100"], list(told["bridges"]["guests"]["ports"]))

    def test_a_committed_setup_is_changed_and_removed(self):
        self.addCleanup(self.bring_up)
        done = self.setup.apply(BONDED, 120)
        self.setup.commit(done["checkpoint"])
        self.assertIsNone(self.setup.apply(BONDED)["checkpoint"])
        changed = {
            "networks": {"storage": {"remove": True},
                         "guests": {**BONDED["networks"]["guests"], "vlan": 102}},
            "bonds": {"bond7": {"nics": ["eth1"], "mode": "active-backup"}},
        }
        done = self.setup.apply(changed, 120)
        found = links()
        self.assertEqual({"bond7.102"}, {name for name in found if name.startswith("bond7.")})
        self.assertEqual("guests", found["bond7.102"]["master"])
        self.assertNotIn("master", found["eth0"])
        self.setup.commit(done["checkpoint"])
        removed = {"networks": {"guests": {"remove": True}}, "bonds": {"bond7": {"remove": True}}}
        done = self.setup.apply(removed, 120)
        self.setup.commit(done["checkpoint"])
        self.assertEqual({"lo", "eth0", "eth1"}, set(links()))

    def test_another_mode_builds_the_bond_anew_with_what_lies_on_it(self):
        self.addCleanup(self.bring_up)
        done = self.setup.apply(BONDED, 120)
        self.setup.commit(done["checkpoint"])
        before = self.seen()
        done = self.setup.apply(
            {"bonds": {"bond7": {**BONDED["bonds"]["bond7"], "mode": "balance-xor"}}}, 120
        )
        self.assertEqual("balance-xor", data(links()["bond7"])["mode"])
        self.assertEqual(before, self.seen())
        self.assertEqual([], self.setup.rollback(done["checkpoint"])["problems"])
        self.assertEqual("active-backup", data(links()["bond7"])["mode"])
        self.assertEqual(before, self.seen())
        done = self.setup.apply({
            "networks": {name: {"remove": True} for name in BONDED["networks"]},
            "bonds": {"bond7": {"remove": True}},
        }, 120)
        self.setup.commit(done["checkpoint"])

    def test_modes_and_options_of_bonds(self):
        for mode, options, shown in (
            ("802.3ad", {"miimon": 100, "lacp_rate": "fast", "xmit_hash_policy": "layer3+4"},
             {"ad_lacp_rate": "fast", "xmit_hash_policy": "layer3+4"}),
            ("balance-xor", {"miimon": 50, "updelay": 100}, {"miimon": 50, "updelay": 100}),
            ("balance-rr", {"miimon": 100, "packets_per_slave": 2}, {"packets_per_slave": 2}),
        ):
            with self.subTest(mode):
                done = self.setup.apply({
                    "networks": {"plain": {"bond": "bond8"}},
                    "bonds": {"bond8": {"nics": ["eth0", "eth1"], "mode": mode,
                                        "options": options}},
                }, 120)
                found = data(links()["bond8"])
                self.assertEqual(mode, found["mode"])
                self.assertEqual(shown, {name: found.get(name) for name in shown})
                self.setup.rollback(done["checkpoint"])
                self.assertEqual(self.before, self.seen())

    def sent(self, classid):
        """Bytes that the bond has sent by that class."""
        lines = run("tc", "-s", "class", "show", "dev", "bond7").splitlines()
        [at] = [at for at, line in enumerate(lines) if f" {classid} " in line]
        return int(lines[at + 1].split()[1])

    def only_by_its_class(self):
        """Whether the guests' network has sent, and the other one nothing."""
        first, other = self.sent("7c0d:64"), self.sent("7c0d:65")
        self.assertTrue(self.reaches())
        self.assertGreater(self.sent("7c0d:64"), first)
        return other == self.sent("7c0d:65")

    def test_shares_of_vlans(self):
        before = run("tc", "qdisc", "show", "dev", "eth0")
        networks = BONDED["networks"]
        done = self.setup.apply({**BONDED, "networks": {
            "guests": {**networks["guests"], "qos": {"out": {"ls": 70, "ul": "100Mbit"}}},
            "storage": {**networks["storage"], "qos": {"out": {"rt": "10Mbit"}}},
        }}, 120)
        told = run("tc", "class", "show", "dev", "bond7")
        self.assertIn("7c0d:64 parent 7c0d:ffff prio 0 rate 64Kbit ceil 100Mbit", told)
        self.assertIn("7c0d:65 parent 7c0d:ffff prio 0 rate 10Mbit ceil 1Tbit", told)
        self.wait_for(self.reaches, "the other end answers")
        # what has the tag of the network is sent by the network's class, and by no other; a new
        # link's own announcements (IPv6) may be on their way by the other one
        self.wait_for(self.only_by_its_class, "the networks' classes send what is theirs")
        self.setup.commit(done["checkpoint"])
        self.addCleanup(self.bring_up)
        done = self.setup.apply({"networks": {"guests": networks["guests"]}}, 120)
        self.assertNotIn("7c0d:64 ", run("tc", "class", "show", "dev", "bond7"))
        self.assertIn("7c0d:65 ", run("tc", "class", "show", "dev", "bond7"))
        self.setup.rollback(done["checkpoint"])
        self.assertIn("7c0d:64 ", run("tc", "class", "show", "dev", "bond7"))
        removed = {
            "networks": {"guests": {"remove": True}, "storage": {"remove": True}},
            "bonds": {"bond7": {"remove": True}},
        }
        self.setup.commit(self.setup.apply(removed, 120)["checkpoint"])
        self.assertEqual(before, run("tc", "qdisc", "show", "dev", "eth0"))

    def test_nobody_commits(self):
        # an emulated machine that has little of the real one's time takes some seconds to apply it
        self.setup.apply(BONDED, 15)
        self.wait_for(lambda: self.setup.status()["armed"] is None, "the host goes back")
        self.assertEqual([], self.setup.status()["last"]["problems"])
        self.assertEqual(self.before, self.seen())

    def test_a_step_that_fails(self):
        # ARP can't watch the members of this mode, which the kernel alone knows
        document = {
            "networks": {"guests": {"bond": "bond9", "vlan": 100, "bridged": True}},
            "bonds": {"bond9": {"nics": ["eth0", "eth1"], "mode": "802.3ad",
                                "options": {"arp_interval": 100}}},
        }
        with self.assertRaises(exceptions.HostNetworkNotApplied) as caught:
            self.setup.apply(document)
        self.assertIn("bond9", str(caught.exception))
        self.assertEqual(self.before, self.seen())

    def test_a_bridge_that_filters_vlans_is_seen_and_left_alone(self):
        run("ip", "link", "add", "theirs", "type", "bridge", "vlan_filtering", "1")
        self.addCleanup(run, "ip", "link", "delete", "theirs")
        self.assertTrue(Facts().capabilities()["bridges"]["theirs"]["vlan_filtering"])
        before = self.seen()
        done = self.setup.apply(BONDED, 120)
        self.assertEqual(1, data(links()["theirs"])["vlan_filtering"])
        self.setup.rollback(done["checkpoint"])
        self.assertEqual(before, self.seen())
