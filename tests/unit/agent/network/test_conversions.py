"""Every form that people write, and the one that is kept of it."""

import testtools

from mycloud.agent.network import conversions
from mycloud.common import exceptions

GOOD = (
    (conversions.boolean, True, True),
    (conversions.boolean, "Yes", True),
    (conversions.boolean, "off", False),
    (conversions.boolean, 0, False),
    (conversions.mtu, "9000", 9000),
    (conversions.mtu, 68, 68),
    (conversions.vlan_id, 1, 1),
    (conversions.vlan_id, "4094", 4094),
    (conversions.interface_name, "eth0.17", "eth0.17"),
    (conversions.interface_name, "a-b_c", "a-b_c"),
    (conversions.mac, "52-54-00-AB-CD-EF", "52:54:00:ab:cd:ef"),
    (conversions.mac, "525400abcdef", "52:54:00:ab:cd:ef"),
    (conversions.prefix_of_netmask, "255.255.255.0", 24),
    (conversions.prefix_of_netmask, "0.0.0.0", 0),
    (conversions.prefix_of_netmask, "255.255.255.255", 32),
    (conversions.netmask_of_prefix, 24, "255.255.255.0"),
    (conversions.netmask_of_prefix, "0", "0.0.0.0"),
    (conversions.rate, 1000, 1000),
    (conversions.rate, "100Mbit", 100_000_000),
    (conversions.rate, "1.5 gbit", 1_500_000_000),
    (conversions.rate, "10kbps", 80_000),
    (conversions.switch, None, "bridge"),
    (conversions.switch, "none", "none"),
)
BAD = (
    (conversions.boolean, "maybe", "neither true nor false"),
    (conversions.boolean, None, "neither true nor false"),
    (conversions.mtu, 67, "from 68 to 65535"),
    (conversions.mtu, "1.5", "no whole number"),
    (conversions.mtu, 1500.0, "no whole number"),
    (conversions.mtu, True, "no whole number"),
    (conversions.vlan_id, 0, "from 1 to 4094"),
    (conversions.vlan_id, 4095, "from 1 to 4094"),
    (conversions.vlan_id, "9" * 40, "no whole number"),
    (conversions.interface_name, "a" * 16, "no interface's name"),
    (conversions.interface_name, "-a", "no interface's name"),
    (conversions.interface_name, "a/b", "no interface's name"),
    (conversions.interface_name, "..", "no interface's name"),
    (conversions.interface_name, "", "no interface's name"),
    (conversions.mac, "52:54:00:ab:cd", "no hardware address"),
    (conversions.prefix_of_netmask, "255.0.255.0", "has gaps"),
    (conversions.prefix_of_netmask, "24", "no netmask"),
    (conversions.netmask_of_prefix, 33, "from 0 to 32"),
    (conversions.rate, "fast", "no rate"),
    (conversions.rate, "5 parsec", "no rate"),
    (conversions.rate, 0, "between"),
    (conversions.rate, -5, "between"),
    (conversions.switch, "ovs", "bridge, none"),
)


class ConversionsTest(testtools.TestCase):
    def test_good_forms(self):
        for convert, given, kept in GOOD:
            self.assertEqual(kept, convert("x", given), (convert.__name__, given))

    def test_bad_forms_by_field_and_remedy(self):
        for convert, given, words in BAD:
            told = str(self.assertRaises(exceptions.BadField, convert, "some.field", given))
            self.assertIn("some.field", told)
            self.assertIn(words, told, (convert.__name__, given))

    def test_names_of_vlan_devices(self):
        self.assertEqual("eth0.17", conversions.vlan_device("eth0", 17))
        self.assertEqual("enp0s31f61.4094", conversions.vlan_device("enp0s31f61abc", 4094))
        self.assertEqual(15, len(conversions.vlan_device("a" * 15, 4094)))

    def test_networks_by_switch(self):
        self.assertEqual(
            {"bridge": {"a": {}}, "none": {"b": {"switch": "none"}}},
            conversions.by_switch({"a": {}, "b": {"switch": "none"}}),
        )
        self.assertIn(
            "networks.a.switch",
            str(self.assertRaises(
                exceptions.BadField, conversions.by_switch, {"a": {"switch": "x"}}
            )),
        )
