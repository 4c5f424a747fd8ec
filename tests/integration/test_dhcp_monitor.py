"""Leases that are told by the shipped hook, or seen in the kernel, make source routes and end."""

import json
import socket
import subprocess
from pathlib import Path

import fixtures
import testtools

from mycloud.agent.dhcp.monitor import SOCKET, DhcpMonitor
from mycloud.agent.netinfo.facts import Facts
from mycloud.agent.netinfo.monitor import Monitor
from mycloud.agent.network import canonical
from mycloud.agent.network.canonical import Config
from mycloud.privileged import client
from mycloud.privileged.source_routes import PROTOCOL
from tests.fixtures.mounts import needs_root
from tests.fixtures.network_namespace import NetworkNamespace
from tests.fixtures.privileged import PrivilegedHelper
from tests.fixtures.program import wait_for

HOOK = Path(__file__).parents[2] / "etc/mycloud/dhclient-exit-hook"
LEASE = {
    "interface": "eth0", "new_ip_address": "192.0.2.7", "new_subnet_mask": "255.255.255.0",
    "new_routers": "192.0.2.1 192.0.2.2",
}


@needs_root
class DhcpMonitorTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.state = Path(self.useFixture(fixtures.TempDir()).path)
        self.inside = NetworkNamespace()
        self.addCleanup(self.inside.close)
        self.inside.batch(
            "link add eth0 type veth peer name eth1", "link set dev eth0 up",
            "link set dev eth1 up",
        )
        self.useFixture(PrivilegedHelper(netns=self.inside.name))
        self.monitor = Monitor()
        self.facts = Facts(monitor=self.monitor)
        with self.inside.entered():
            self.monitor.start()
            self.facts.start()
        self.addCleanup(self.monitor.stop)
        self.addCleanup(self.facts.stop)
        self.path = self.state / "hosts/here" / SOCKET
        self.dhcp = DhcpMonitor(self.facts, self.monitor, self.path)
        self.dhcp.start()
        self.addCleanup(self.stop)

    def stop(self):
        if self.dhcp is not None:
            self.dhcp.stop()
            self.dhcp = None

    def hook(self, reason, **lease):
        """Run the hook as dhclient-script does."""
        done = subprocess.run(
            ["sh", "-euc", f". {HOOK}"], capture_output=True, text=True, check=False,
            env={"PATH": "/usr/bin:/bin", "MYCLOUD_STATE": str(self.state), "reason": reason,
                 **LEASE, **lease},
        )
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def rules(self, family="-4"):
        return sorted(
            each["src"] for each in self.inside.ip_json("-N", family, "rule")
            if str(each.get("protocol")) == PROTOCOL
        )

    def settled(self, *rules, family="-4"):
        wait_for(lambda: self.rules(family) == sorted(rules), f"rules {rules}")

    def lease(self):
        self.inside.batch("addr add 192.0.2.7/24 dev eth0 valid_lft 900 preferred_lft 900")

    def test_told_by_the_hook(self):
        self.dhcp.watch([("eth0", 4)])
        self.lease()
        self.hook("PREINIT")
        self.hook("BOUND")
        self.settled("192.0.2.0", "all")
        self.assertEqual(
            {
                "watched": [{"device": "eth0", "family": 4}],
                "source_routes": [{
                    "device": "eth0", "family": 4, "address": "192.0.2.7/24",
                    "gateway": "192.0.2.1",
                }],
            },
            self.dhcp.document(),
        )
        self.hook("RENEW")
        self.hook("EXPIRE")
        self.settled()
        self.assertEqual([], self.dhcp.document()["source_routes"])

    def test_not_watched(self):
        self.dhcp.watch([("eth1", 4), ("eth0", 6)])
        self.lease()
        self.hook("BOUND")
        self.hook("BOUND", interface="eth1", new_routers="")
        self.dhcp.watch([("eth0", 4)])
        self.hook("BOUND")
        self.settled("192.0.2.0", "all")
        # no longer watched: nothing is left of it
        self.dhcp.watch([])
        self.assertEqual([], self.rules())

    def test_seen_in_the_kernel(self):
        self.dhcp.watch([("eth0", 4), ("eth0", 6)])
        self.lease()
        self.inside.ip("route", "add", "default", "via", "192.0.2.1")
        self.settled("192.0.2.0", "all")
        self.inside.ip("addr", "del", "192.0.2.7/24", "dev", "eth0")
        self.settled()

    def test_ipv6_is_seen_in_the_kernel(self):
        self.dhcp.watch([("eth0", 6)])
        self.inside.batch("addr add 2001:db8::7/64 dev eth0 valid_lft 900 preferred_lft 900")
        self.inside.ip("-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0")
        self.settled("2001:db8::", "all", family="-6")

    def test_fixed_addresses_are_no_leases(self):
        self.dhcp.watch([("eth0", 4)])
        self.inside.ip("addr", "add", "192.0.2.7/24", "dev", "eth0")
        with self.monitor.subscribe("newroute", devices=["eth0"]) as subscription:
            self.inside.ip("route", "add", "default", "via", "192.0.2.1")
            subscription.get(5)
        self.assertEqual([], self.rules())

    def test_the_network_is_gone(self):
        self.dhcp.watch([("eth0", 4)])
        self.lease()
        self.hook("BOUND")
        self.settled("192.0.2.0", "all")
        self.inside.ip("link", "del", "dev", "eth0")
        self.settled()

    def test_gone_while_nobody_watched(self):
        self.dhcp.watch([("eth0", 4)])
        self.lease()
        self.hook("BOUND")
        self.settled("192.0.2.0", "all")
        self.stop()
        self.assertFalse(self.path.exists())
        self.inside.ip("link", "del", "dev", "eth0")
        self.dhcp = DhcpMonitor(self.facts, self.monitor, self.path)
        self.dhcp.start()
        self.dhcp.watch([("eth0", 4)])
        self.assertEqual([], self.rules())

    def test_networks_of_a_document(self):
        document = {"networks": {
            "front": {"nic": "eth0", "dhcp": "both"},
            "store": {"nic": "eth1", "addresses": ["192.0.2.9/24"]},
        }}
        self.dhcp.watch_networks(canonical.change(document, Config()).config)
        self.assertEqual({("eth0", 4), ("eth0", 6)}, self.dhcp.pool)

    def test_nonsense_harms_nobody(self):
        self.dhcp.watch([("eth0", 4)])
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            for data in (
                b"\xff", b"[]", b"x" * 5000,
                json.dumps({"action": "configure", "device": "eth0", "address": "192.0.2.9/24",
                            "gateway": "2001:db8::1"}).encode(),
                # an address that the interface does not have
                json.dumps({"action": "configure", "device": "eth0", "address": "192.0.2.9/24",
                            "gateway": "192.0.2.1"}).encode(),
            ):
                stranger.sendto(data, str(self.path))
        self.lease()
        self.hook("BOUND")
        self.settled("192.0.2.0", "all")
        self.assertEqual([{"device": "eth0", "family": 4}], client.call.source_route_list())
