"""What the kernel is told of VLANs and bonds, and what it tells, as pyroute2 reads and writes it:
this machine's kernel has neither."""

from __future__ import annotations

from typing import Any

import testtools
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from mycloud.privileged import errors, netlink
from mycloud.privileged.network import bonding, kernel
from mycloud.privileged.network.model import BOND, BRIDGE, GROUP, VLAN, Link

HEADER = 16


def decoded(body: bytes) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """What was asked for: attributes, the kind, its details."""
    head = (HEADER + len(body)).to_bytes(4, "little") + b"\0" * (HEADER - 4)
    message = ifinfmsg(head + body)
    message.decode()
    info = message.get_attr("IFLA_LINKINFO")
    data = info.get_attr("IFLA_INFO_DATA")
    return dict(message["attrs"]), info.get_attr("IFLA_INFO_KIND"), dict(data["attrs"])


def told(index: int, **fields: Any) -> bytes:
    """A link as the kernel tells it."""
    message = ifinfmsg()
    message["index"], message["flags"] = index, fields.pop("flags", 1)
    message["attrs"] = [(f"IFLA_{name.upper()}", value) for name, value in fields.items()]
    message.encode()
    return bytes(message.data[HEADER:])


class RequestsTest(testtools.TestCase):
    def test_vlan(self) -> None:
        link = Link("eth0.7", VLAN, up=False, mtu=1400, base="eth0", vlan=7)
        given, kind, details = decoded(kernel.new_link(link, 3))
        self.assertEqual("vlan", kind)
        self.assertEqual({"IFLA_VLAN_ID": 7}, details)
        self.assertEqual(
            ("eth0.7", 1400, 3, GROUP),
            tuple(given[f"IFLA_{name}"] for name in ("IFNAME", "MTU", "LINK", "GROUP")),
        )

    def test_bond(self) -> None:
        options = {"mode": "802.3ad", "lacp_rate": "fast", "miimon": 100, "min_links": 0,
                   "xmit_hash_policy": "layer3+4"}
        _, kind, details = decoded(kernel.new_link(Link("bond0", BOND, options=options), None))
        self.assertEqual("bond", kind)
        # what is as usual is not told: the kernel takes some of it in some modes only
        self.assertEqual({
            "IFLA_BOND_MODE": 4, "IFLA_BOND_AD_LACP_RATE": 1, "IFLA_BOND_MIIMON": 100,
            "IFLA_BOND_XMIT_HASH_POLICY": 1,
        }, details)

    def test_every_option_of_bonds(self) -> None:
        for name, option in bonding.OPTIONS.items():
            value = 1 - option.usual if option.usual < 2 else 0
            given = {"mode": "active-backup", name: bonding.decode(name, value)}
            _, _, details = decoded(kernel.new_link(Link("bond0", BOND, options=given), None))
            self.assertIn(value, details.values(), name)
            self.assertEqual(given, bonding.canonical({"mode": 1, name: value}))

    def test_a_wrong_option_of_a_bond(self) -> None:
        link = Link("bond0", BOND, options={"mode": "fast"})
        error = self.assertRaises(errors.InvalidArguments, kernel.new_link, link, None)
        self.assertIn("one of balance-rr", error.message)

    def test_bridge(self) -> None:
        link = Link("br0", BRIDGE, options={"stp": True})
        _, kind, details = decoded(kernel.new_link(link, None))
        self.assertEqual(("bridge", {"IFLA_BR_STP_STATE": 1}), (kind, details))

    def test_veth(self) -> None:
        _, kind, details = decoded(kernel.new_link(Link("a", "veth", mtu=1400), None, "b"))
        self.assertEqual("veth", kind)
        peer = dict(details["VETH_INFO_PEER"]["attrs"])
        self.assertEqual(("b", 1400), (peer["IFLA_IFNAME"], peer["IFLA_MTU"]))


class AnswersTest(testtools.TestCase):
    def test_links(self) -> None:
        def info(kind: str, *details: tuple[str, int]) -> dict[str, Any]:
            return {"attrs": [
                ("IFLA_INFO_KIND", kind), ("IFLA_INFO_DATA", {"attrs": list(details)}),
            ]}

        found = kernel.links_of([
            told(2, ifname="eth0", mtu=9000, master=3, group=0),
            told(3, ifname="bond0", mtu=9000, group=GROUP, linkinfo=info(
                "bond", ("IFLA_BOND_MODE", 4), ("IFLA_BOND_MIIMON", 100),
            )),
            told(4, ifname="bond0.7", mtu=1500, group=GROUP, link=3, linkinfo=info(
                "vlan", ("IFLA_VLAN_ID", 7),
            )),
            told(5, ifname="eth1.8", mtu=1500, group=0, link=6, flags=0, linkinfo=info(
                "vlan", ("IFLA_VLAN_ID", 8),
            )),
            told(6, ifname="eth1", mtu=1500, group=0),
        ])
        self.assertEqual({
            "eth0": Link("eth0", mtu=9000, master="bond0"),
            "bond0": Link("bond0", BOND, mtu=9000, options={"mode": "802.3ad", "miimon": 100}),
            "bond0.7": Link("bond0.7", VLAN, base="bond0", vlan=7),
            "eth1.8": Link("eth1.8", up=False, base="eth1", vlan=8),
            "eth1": Link("eth1"),
        }, {name: seen.link for name, seen in found.items()})
        self.assertEqual({"bond0", "bond0.7"}, {name for name in found if found[name].own})

    def test_attributes(self) -> None:
        data = netlink.number(1, 5, size=2) + netlink.text(2, "abc") + b"\x02"
        found = netlink.attributes(data)
        self.assertEqual((5, "abc"), (
            netlink.as_number(found[1]), netlink.as_text(found[2])
        ))
        self.assertEqual({}, netlink.attributes(b"\x01\0\x01\0"))
