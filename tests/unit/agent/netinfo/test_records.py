"""What is read of the kernel's messages about links that this kernel has not, as pyroute2 writes
them."""

import testtools
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from mycloud.agent.netinfo import records
from mycloud.agent.netinfo.records import Info


def body(**told):
    """Of a message about a link, without its header."""
    message = ifinfmsg()
    message["family"], message["ifi_type"], message["index"] = 0, told.pop("hardware", 1), 7
    message["flags"] = told.pop("flags", 0x11043)
    message["attrs"] = list(told.items())
    message.encode()
    return bytes(message.data[16:])


def linkinfo(kind, data, *more):
    info = [("IFLA_INFO_KIND", kind)]
    if data:
        info.append(("IFLA_INFO_DATA", {"attrs": data}))
    return {"attrs": [*info, *more]}


class LinkTest(testtools.TestCase):
    def test_bond(self):
        told = records.link(body(
            IFLA_IFNAME="bond0", IFLA_MTU=9000, IFLA_ADDRESS="52:54:00:00:00:07",
            IFLA_OPERSTATE="UP",
            IFLA_LINKINFO=linkinfo("bond", [
                ("IFLA_BOND_MODE", 4), ("IFLA_BOND_ACTIVE_SLAVE", 3), ("IFLA_BOND_MIIMON", 100),
                ("IFLA_BOND_PRIMARY", 4),
            ]),
        ))
        self.assertEqual(("bond0", 7, "bond", 9000, "52:54:00:00:00:07", "up"), (
            told.name, told.index, told.kind, told.mtu, told.mac, told.state
        ))
        self.assertEqual(
            {Info.BOND_MODE: 4, Info.BOND_ACTIVE: 3, Info.BOND_MIIMON: 100, Info.BOND_PRIMARY: 4},
            told.info,
        )
        self.assertEqual((True, True, True), (told.up, told.carrier, records.works(told)))

    def test_vlan(self):
        told = records.link(body(
            IFLA_IFNAME="bond0.17", IFLA_LINK=7, IFLA_MASTER=9,
            IFLA_LINKINFO=linkinfo("vlan", [("IFLA_VLAN_ID", 17)]),
        ))
        self.assertEqual(("vlan", 7, 9, {Info.VLAN_ID: 17}), (
            told.kind, told.parent, told.master, told.info
        ))

    def test_hardware(self):
        told = records.link(body(
            IFLA_IFNAME="eth0", IFLA_IFALIAS="front", IFLA_OPERSTATE="DORMANT", flags=0x3,
        ))
        self.assertEqual(("physical", "front", "dormant", {}, None), (
            told.kind, told.alias, told.state, told.info, told.port_state
        ))
        self.assertFalse(records.works(told))
        self.assertEqual("loopback", records.link(body(IFLA_IFNAME="lo", hardware=772)).kind)

    def test_less_than_all(self):
        self.assertEqual(("", "", None), (
            (told := records.link(bytes(16))).name, told.mac, told.master
        ))
        self.assertEqual([], records.routes(bytes(12)))
