"""Leases, as ``dhclient`` and ``udhcpc`` tell of them."""

from __future__ import annotations

import testtools

from mycloud.privileged.network.lease import Lease, read


class ReadTest(testtools.TestCase):
    def test_udhcpc(self) -> None:
        self.assertEqual(
            Lease("192.0.2.100/24", 600, 600, ("192.0.2.1",), ("192.0.2.53", "192.0.2.54")),
            read({
                "interface": "br0", "ip": "192.0.2.100", "subnet": "255.255.255.0", "mask": "24",
                "router": "192.0.2.1", "dns": "192.0.2.53 192.0.2.54", "lease": "600",
            }, "v4"),
        )

    def test_dhclient(self) -> None:
        self.assertEqual(
            Lease("192.0.2.100/25", 43200, 43200, ("192.0.2.1", "192.0.2.2"), ("192.0.2.53",)),
            read({
                "reason": "BOUND", "new_ip_address": "192.0.2.100",
                "new_subnet_mask": "255.255.255.128", "new_routers": "192.0.2.1 192.0.2.2",
                "new_domain_name_servers": "192.0.2.53", "new_dhcp_lease_time": "43200",
            }, "v4"),
        )

    def test_dhclient_of_ipv6(self) -> None:
        self.assertEqual(
            Lease("2001:db8::100/64", 7200, 3600, (), ("2001:db8::53",)),
            read({
                "reason": "BOUND6", "new_ip6_address": "2001:db8::100", "new_ip6_prefixlen": "64",
                "new_max_life": "7200", "new_preferred_life": "3600",
                "new_dhcp6_name_servers": "2001:db8::53",
            }, "v6"),
        )

    def test_what_is_no_lease(self) -> None:
        self.assertRaises(ValueError, read, {"ip": "192.0.2.300"}, "v4")
        self.assertEqual(3600, read({"ip": "192.0.2.1", "lease": "soon"}, "v4").seconds)
        self.assertEqual(1, read({"ip": "192.0.2.1", "lease": "0"}, "v4").seconds)
