"""What hooks of DHCP clients may tell, and what they may not."""

import json

import testtools

from mycloud.agent.dhcp import events
from mycloud.agent.dhcp.events import DhcpEvent, Lease
from mycloud.common import exceptions

LEASE = {
    "action": "configure", "device": "eth0", "address": "192.0.2.7/24", "gateway": "192.0.2.1",
}
BAD = (
    (b"", "event", "no JSON"),
    (b"\xff", "event", "no JSON"),
    (b"[" * 5000, "event", "more than 4096 bytes"),
    (b"[" * 4000, "event", "no JSON"),
    (b"[]", "event", "no object"),
    ({"device": None}, "device", "interface's name"),
    ({"device": "../x"}, "device", "interface's name"),
    ({"device": "-x"}, "device", "interface's name"),
    ({"action": "explode"}, "action", "neither configure nor remove"),
    ({"action": "remove", "family": 5}, "family", "neither 4 nor 6"),
    ({"address": "192.0.2.7"}, "address", "no prefix"),
    ({"address": 7}, "address", "no address"),
    ({"address": "2001:db8::7/64"}, "gateway", "no address of a router of IPv6"),
    ({"gateway": "router"}, "gateway", "no address of a router"),
    ({"gateway": None}, "gateway", "no address of a router"),
    ({"gateway": "0.0.0.0"}, "gateway", "no address of a router"),
)


class EventsTest(testtools.TestCase):
    def test_leases(self):
        self.assertEqual(
            DhcpEvent("eth0", 4, Lease("192.0.2.7/24", "192.0.2.1")),
            events.parse(json.dumps(LEASE).encode()),
        )
        six = {**LEASE, "address": "2001:db8::7/64", "gateway": "fe80::1"}
        self.assertEqual(
            DhcpEvent("eth0", 6, Lease("2001:db8::7/64", "fe80::1")),
            events.parse(json.dumps(six).encode()),
        )
        self.assertEqual(
            DhcpEvent("eth0", 6, None),
            events.parse(b'{"action": "remove", "device": "eth0", "family": 6}'),
        )

    def test_nonsense(self):
        for given, field, words in BAD:
            data = given if isinstance(given, bytes) else json.dumps({**LEASE, **given}).encode()
            refused = self.assertRaises(exceptions.BadField, events.parse, data)
            self.assertIn(f"{field}: ", refused.message)
            self.assertIn(words, refused.message)
