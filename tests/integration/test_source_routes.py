"""Source routes by the real root helper in a network namespace."""

import testtools

from mycloud.privileged import client, errors
from mycloud.privileged.source_routes import PROTOCOL, table_of
from tests.fixtures.mounts import needs_root
from tests.fixtures.network_namespace import NetworkNamespace
from tests.fixtures.privileged import PrivilegedHelper


@needs_root
class SourceRoutesTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.inside = NetworkNamespace()
        self.addCleanup(self.inside.close)
        self.inside.batch(
            "link add eth0 type veth peer name eth1", "link set dev eth0 up",
            "link set dev eth1 up", "addr add 192.0.2.7/24 dev eth0",
            "addr add 2001:db8::7/64 dev eth0", "route add default via 192.0.2.254",
        )
        self.useFixture(PrivilegedHelper(netns=self.inside.name))
        self.before = self.everything()

    def everything(self):
        return tuple(
            self.inside.ip(family, *words)
            for family in ("-4", "-6")
            for words in (("rule",), ("route", "show", "table", "all"))
        )

    def rules(self, family="-4"):
        return [
            (each.get("src"), each.get("dst"), each.get("iif"))
            for each in self.inside.ip_json("-N", family, "rule")
            if str(each.get("protocol")) == PROTOCOL
        ]

    def test_added_changed_and_removed_without_a_trace(self):
        client.call.source_route_add("eth0", "192.0.2.7/24", "192.0.2.1")
        table = str(table_of("eth0"))
        self.assertEqual(
            {("192.0.2.0", None, None), ("all", "192.0.2.0", "eth0")}, set(self.rules())
        )
        self.assertEqual(
            {("default", "192.0.2.1", "192.0.2.7"), ("192.0.2.0/24", None, "192.0.2.7")},
            {
                (each["dst"], each.get("gateway"), each.get("prefsrc"))
                for each in self.inside.ip_json("route", "show", "table", table)
            },
        )
        once = self.everything()
        client.call.source_route_add("eth0", "192.0.2.7/24", "192.0.2.1")
        self.assertEqual(once, self.everything())
        # what is asked from the address goes by its gateway, all else by the host's
        for source, gateway in (("192.0.2.7", "192.0.2.1"), (None, "192.0.2.254")):
            words = ["from", source] if source else []
            [way] = self.inside.ip_json("route", "get", "203.0.113.1", *words)
            self.assertEqual(gateway, way["gateway"])

        self.inside.ip("addr", "add", "198.51.100.7/25", "dev", "eth0")
        client.call.source_route_add("eth0", "198.51.100.7/25", "198.51.100.1")
        self.assertEqual({"198.51.100.0"}, {src for src, _, _ in self.rules()} - {"all"})
        self.assertEqual(2, len(self.inside.ip_json("route", "show", "table", table)))
        self.inside.ip("addr", "del", "198.51.100.7/25", "dev", "eth0")

        self.assertEqual({"removed": True}, client.call.source_route_remove("eth0"))
        self.assertEqual(self.before, self.everything())
        self.assertEqual({"removed": False}, client.call.source_route_remove("eth0"))

    def test_both_families(self):
        client.call.source_route_add("eth0", "192.0.2.7/24", "192.0.2.1")
        client.call.source_route_add("eth0", "2001:db8::7/64", "fe80::1")
        self.assertEqual(2, len(self.rules("-6")))
        self.assertEqual(
            [{"device": "eth0", "family": 4}, {"device": "eth0", "family": 6}],
            client.call.source_route_list(),
        )
        client.call.source_route_remove("eth0", family=6)
        self.assertEqual([{"device": "eth0", "family": 4}], client.call.source_route_list())

    def test_a_gateway_elsewhere_and_a_single_address(self):
        self.inside.ip("addr", "add", "198.51.100.7/32", "dev", "eth0")
        client.call.source_route_add("eth0", "198.51.100.7/32", "192.0.2.1")
        client.call.source_route_add("eth0", "198.51.100.7/32", "192.0.2.1")
        self.assertEqual(2, len(self.rules()))

    def test_the_interface_is_gone(self):
        client.call.source_route_add("eth0", "192.0.2.7/24", "192.0.2.1")
        self.inside.ip("link", "del", "dev", "eth0")
        self.assertEqual(2, len(self.rules()))
        self.assertEqual([{"device": "eth0", "family": 4}], client.call.source_route_list())
        self.assertEqual({"removed": True}, client.call.source_route_remove("eth0"))
        self.assertEqual([], self.rules())

    def test_refused(self):
        self.assertRaises(
            errors.Refused, client.call.source_route_add, "eth0", "192.0.2.7/24", "2001:db8::1"
        )
        for words in (
            ("eth0", "192.0.2.7", "192.0.2.1"), ("-x", "192.0.2.7/24", "192.0.2.1"),
            ("eth0", "192.0.2.7/24", "default"),
        ):
            self.assertRaises(errors.InvalidArguments, client.call.source_route_add, *words)
        self.assertRaises(
            errors.ProgramFailed, client.call.source_route_add, "eth9", "192.0.2.7/24",
            "192.0.2.1",
        )
        self.assertEqual(self.before, self.everything())
