"""Addresses, gateways and name servers of host networks: the good canonical, the bad explained."""

import testtools

from mycloud.agent.network import addresses
from mycloud.agent.network.addresses import Addressing
from mycloud.common import exceptions

GOOD = (
    ("192.0.2.7/24", 4, "192.0.2.7/24"),
    (" 192.0.2.7/255.255.255.0 ", 4, "192.0.2.7/24"),
    ("192.0.2.0/31", 4, "192.0.2.0/31"),
    ("192.0.2.1/32", 4, "192.0.2.1/32"),
    ("2001:DB8:0::7/64", 6, "2001:db8::7/64"),
    ("fe80::1/64", 6, "fe80::1/64"),
)
BAD = (
    ("192.0.2.7", 4, "has no prefix"),
    ("192.0.2.256/24", 4, "is no IP address"),
    ("192.0.2.07/24", 4, "is no IP address"),
    ("192.0.2.7/33", 4, "at most 32"),
    ("192.0.2.7/0", 4, "0 bits"),
    ("192.0.2.7/255.0.255.0", 4, "has gaps"),
    ("192.0.2.7/-1", 4, "is no netmask"),
    ("192.0.2.0/24", 4, "network or broadcast"),
    ("192.0.2.255/24", 4, "network or broadcast"),
    ("224.0.0.1/24", 4, "unicast"),
    ("127.0.0.2/8", 4, "unicast"),
    ("0.0.0.0/8", 4, "unicast"),
    ("2001:db8::1/64", 4, "IPv6 address where IPv4"),
    ("192.0.2.7/24", 6, "IPv4 address where IPv6"),
    ("2001:db8::1/129", 6, "at most 128"),
    ("2001:db8::1/ffff::", 6, "no length"),
    ("fe80::1%eth0/64", 6, "zone"),
    ("ff02::1/64", 6, "unicast"),
    ("--help", 4, "has no prefix"),
    ("", 4, "is no address"),
    (None, 4, "is no address"),
    (7, 4, "is no address"),
    (["192.0.2.7/24"], 4, "is no address"),
)
BAD_TOGETHER = (
    (Addressing(("192.0.2.7/24",), dhcp=True), 4, "ipv4.dhcp", "choose one"),
    (Addressing(gateway="192.0.2.1"), 4, "ipv4.gateway", "without an address"),
    (Addressing(dhcp=True, gateway="192.0.2.1"), 4, "ipv4.gateway", "dhcp brings its own"),
    (Addressing(autoconf=True), 4, "ipv4.autoconf", "use dhcp"),
    (Addressing(("192.0.2.7/24", "192.0.2.7/25")), 4, "ipv4.addresses", "twice"),
    (Addressing(("192.0.2.7/24", "x/24")), 4, "ipv4.addresses[1]", "no IP address"),
    (Addressing(("192.0.2.7/24",), "192.0.2.7"), 4, "ipv4.gateway", "own address"),
    (Addressing(("192.0.2.7/24",), "192.0.2.255"), 4, "ipv4.gateway", "broadcast"),
    (Addressing(("192.0.2.7/24",), "198.51.100.1"), 4, "ipv4.gateway", "none of the networks"),
    (Addressing(("192.0.2.7/24",), "2001:db8::1"), 4, "ipv4.gateway", "IPv4 is wanted"),
    (Addressing(("2001:db8::7/64",), "ff02::1"), 6, "ipv6.gateway", "none of the networks"),
)


class AddressTest(testtools.TestCase):
    def refusal(self, check, *args, **kwargs):
        return str(self.assertRaises(exceptions.BadField, check, *args, **kwargs))

    def test_good_ones_in_canonical_form(self):
        for given, family, canonical in GOOD:
            self.assertEqual(canonical, addresses.address("a", given, family))

    def test_bad_ones_by_field_and_remedy(self):
        for given, family, words in BAD:
            told = self.refusal(addresses.address, "ipv4.address", given, family)
            self.assertIn("ipv4.address", told)
            self.assertIn(words, told, given)

    def test_name_servers(self):
        self.assertEqual(
            ("192.0.2.53", "fe80::1%eth0", "2001:db8::53"),
            addresses.name_servers("dns", ["192.0.2.53", "fe80::1%eth0", "2001:DB8::53"]),
        )

    def test_bad_name_servers(self):
        for given, words in (
            ("ns.example", "is no IP address"),
            ("192.0.2.53/24", "is no IP address"),
            ("fe80::1", "fe80::1%eth0"),
            ("2001:db8::1%eth0", "leave out %eth0"),
            ("fe80::1%a/b", "is no IP address"),
            ("fe80::1%-x", "interface's name"),
            ("ff02::1", "one server"),
            ("0.0.0.0", "one server"),
            ("", "is no address"),
            (53, "is no address"),
        ):
            told = self.refusal(addresses.name_servers, "dns", ["192.0.2.1", given])
            self.assertIn("dns[1]", told)
            self.assertIn(words, told)
        self.assertIn("twice", self.refusal(addresses.name_servers, "dns", ["::2", "0::2"]))
        self.assertIn("no list", self.refusal(addresses.name_servers, "dns", "192.0.2.53"))

    def test_addresses_of_a_family(self):
        self.assertEqual(
            Addressing(("192.0.2.7/24",), "192.0.2.1"),
            addresses.addressing("x", Addressing(("192.0.2.7/24",), "192.0.2.1"), 4),
        )
        self.assertEqual(
            Addressing(("2001:db8::7/64",), "fe80::1", autoconf=True),
            addresses.addressing(
                "x", Addressing(("2001:db8::7/64",), "fe80::1%eth0", autoconf=True), 6
            ),
        )
        self.assertEqual(
            Addressing(dhcp=True, autoconf=True),
            addresses.addressing("x", Addressing(dhcp=True, autoconf=True), 6),
        )

    def test_what_excludes_each_other(self):
        for wanted, family, field, words in BAD_TOGETHER:
            told = self.refusal(addresses.addressing, f"ipv{family}", wanted, family)
            self.assertIn(f" {field}:", told)
            self.assertIn(words, told)

    def test_name_servers_only_with_the_default_route(self):
        check = addresses.name_servers_of_default_route
        check({"front": (True, ["192.0.2.53"]), "store": (False, [])})
        told = self.refusal(check, {"front": (True, []), "store": (False, ["192.0.2.53"])})
        self.assertIn("networks.store.dns", told)
        self.assertIn("move them to front", told)
        told = self.refusal(check, {"store": (False, ["192.0.2.53"])})
        self.assertIn("give it the default route", told)
        told = self.refusal(check, {"front": (True, []), "store": (True, [])})
        self.assertIn("front and store", told)

    def test_one_address_on_two_networks(self):
        addresses.no_two_alike({"a": ["192.0.2.7/24"], "b": ["192.0.2.8/24"]})
        told = self.refusal(
            addresses.no_two_alike, {"a": ["192.0.2.7/24"], "b": ["192.0.2.7/25"]}
        )
        self.assertIn("192.0.2.7 is that of a", told)
