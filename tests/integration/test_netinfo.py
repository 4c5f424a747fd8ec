"""The network of a namespace as the agent tells it, beside what ``ip -j`` tells."""

import socket

import testtools

from mycloud.agent.host import Host
from mycloud.agent.netinfo.facts import Facts
from mycloud.agent.netinfo.monitor import Monitor
from mycloud.agent.verbs import network_facts
from mycloud.common import clock, concurrency, exceptions
from tests.fixtures.mounts import needs_root
from tests.fixtures.network_namespace import NetworkNamespace

GROUPS = ("nics", "bonds", "bridges", "vlans", "others")


class NamespaceCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.inside, self.outside = NetworkNamespace(), NetworkNamespace()
        self.addCleanup(self.outside.close)
        self.addCleanup(self.inside.close)
        self.inside.pair("eth0", self.outside, "port0")
        self.inside.pair("eth1", self.outside, "port1")
        self.monitor = Monitor()
        self.facts = Facts(monitor=self.monitor)
        with self.inside.entered():
            self.monitor.start()
            self.facts.start()
        self.addCleanup(self.monitor.stop)
        self.addCleanup(self.facts.stop)

    def furnish(self):
        """A bridge, tunnels, addresses and routes as a host has them."""
        self.inside.batch(
            "link add br0 mtu 1400 type bridge stp_state 1 forward_delay 400",
            "link set dev eth1 mtu 1400 master br0",
            "link set dev br0 up",
            "link add tap0 type veth peer name tap1",
            "link set dev tap0 master br0",
            "link add vx7 type vxlan id 7 dstport 4789 dev eth0",
            "link add macv0 link eth0 type macvlan",
            "addr add 192.0.2.7/24 dev br0",
            "addr add 192.0.2.8/24 dev br0 label br0:1",
            "addr add 198.51.100.1 peer 198.51.100.2/32 dev eth0",
            "addr add 2001:db8::7/64 dev br0 nodad",
            "addr add 203.0.113.5/24 dev eth0 valid_lft 300 preferred_lft 300",
            "route add default via 192.0.2.1 metric 100",
            "route add 203.0.113.128/25 via 192.0.2.2 src 192.0.2.8 proto static",
            "route add blackhole 10.0.0.0/8",
            "route add 10.7.0.0/16 via 192.0.2.3 table 77",
            "route add 10.8.0.0/16 nexthop via 192.0.2.4 nexthop via 192.0.2.5",
            "route add default via 2001:db8::1",
        )


@needs_root
class EqualToIpTest(NamespaceCase):
    def setUp(self):
        super().setUp()
        self.furnish()
        self.caps = self.facts.capabilities()
        self.told = {
            name: link for group in GROUPS for name, link in self.caps[group].items()
        }

    def test_links(self):
        for link in self.inside.ip_json("-d", "link"):
            info = link.get("linkinfo", {})
            port = info.get("info_slave_data", {}).get("state")
            told = self.told.pop(link["ifname"])
            self.assertEqual(
                {
                    "index": link["ifindex"],
                    "mac": link["address"],
                    "mtu": link["mtu"],
                    "up": "UP" in link["flags"],
                    "carrier": "LOWER_UP" in link["flags"],
                    "link_state": link["operstate"].lower(),
                    "master": link.get("master"),
                    "parent": link.get("link"),
                    "kind": info.get("info_kind", "loopback"),
                },
                {name: told[name] for name in (
                    "index", "mac", "mtu", "up", "carrier", "link_state", "master", "parent",
                    "kind",
                )},
            )
            if port:
                states = self.caps["bridges"][link["master"]]["port_states"]
                self.assertEqual(port, states[link["ifname"]])
        self.assertEqual({}, self.told)

    def test_addresses(self):
        for link in self.inside.ip_json("addr"):
            self.assertEqual(
                [
                    (
                        f"{each['local']}/{each['prefixlen']}", each["family"], each["scope"],
                        each.get("dynamic", False), each.get("tentative", False),
                    )
                    for each in link["addr_info"]
                ],
                [tuple(each.values()) for each in self.told[link["ifname"]]["addresses"]],
            )

    def test_routes(self):
        told = {
            (
                each["destination"], each["gateway"], each["device"], each["source"],
                each["metric"], each["table"], each["protocol"],
            )
            for each in self.caps["routes"]
        }
        wanted = set()
        for family in ("-4", "-6"):
            for each in self.inside.ip_json(family, "route", "show", "table", "all"):
                if each.get("type", "unicast") != "unicast":
                    continue
                for hop in each.get("nexthops", [each]):
                    target = each["dst"]
                    if "/" not in target and target != "default":
                        target += "/32" if family == "-4" else "/128"
                    wanted.add((
                        target, hop.get("gateway"), hop.get("dev"), each.get("prefsrc"),
                        each.get("metric", 0), each.get("table", "main"),
                        each.get("protocol", "boot"),
                    ))
        self.assertEqual(wanted, told)
        self.assertIn("77", {each["table"] for each in self.caps["routes"]})
        self.assertEqual(
            {
                "inet": {"gateway": "192.0.2.1", "device": "br0"},
                "inet6": {"gateway": "2001:db8::1", "device": "br0"},
            },
            self.caps["default_route"],
        )

    def test_groups(self):
        self.assertEqual({"eth0", "eth1"}, set(self.caps["nics"]))
        self.assertEqual("veth", self.caps["nics"]["eth0"]["driver"])
        [bridge] = self.caps["bridges"].values()
        self.assertEqual(["eth1", "tap0"], bridge["ports"])
        self.assertEqual((True, 4.0), (bridge["stp"], bridge["forward_delay_seconds"]))
        self.assertIn("vx7", self.caps["others"])


@needs_root
class CacheTest(NamespaceCase):
    def test_kept_until_something_changes(self):
        first = self.facts.snapshot()
        self.assertIs(first, self.facts.snapshot())
        # no turn for the monitor in between: it is asked whether it is behind
        self.inside.ip("addr", "add", "192.0.2.7/24", "dev", "eth0")
        told = self.facts.capabilities()["nics"]["eth0"]["addresses"]
        self.assertIn("192.0.2.7/24", [each["address"] for each in told])
        self.inside.ip("route", "add", "default", "via", "192.0.2.1")
        self.assertEqual(
            {"gateway": "192.0.2.1", "device": "eth0"},
            self.facts.capabilities()["default_route"]["inet"],
        )
        self.inside.ip("link", "del", "dev", "eth0")
        self.assertNotIn("eth0", self.facts.capabilities()["nics"])

    def test_asked_anew_without_a_monitor(self):
        first = self.facts.snapshot()
        self.monitor.stop()
        self.assertIsNot(first, self.facts.snapshot())

    def test_an_unknown_interface(self):
        refused = self.assertRaises(
            exceptions.NoSuchInterface, self.facts.snapshot().link, "eth7"
        )
        self.assertIn("it has eth0, eth1, lo", str(refused))

    def test_nics_without_virtual_functions(self):
        host = Host("here", None, {Facts: self.facts})
        for count in (1, -1):
            refused = self.assertRaises(
                exceptions.NoVirtualFunctions, network_facts.change_numvfs, host, device="eth0",
                numvfs=count,
            )
            self.assertIn(f"can have 0 virtual functions, not {count}", refused.message)
        self.assertRaises(
            exceptions.NoSuchInterface, network_facts.change_numvfs, host, device="eth7",
            numvfs=1,
        )

    def exchange(self, other, times):
        """Datagrams to where nobody listens: each comes back as an error."""
        with self.inside.entered():
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sender:
            sender.settimeout(5)
            sender.connect(other)
            for _ in range(times):
                sender.send(b"?")
                self.assertRaises(ConnectionRefusedError, sender.recv, 10)

    def test_counters(self):
        host = Host("here", None, {Facts: self.facts})
        self.inside.ip("addr", "add", "192.0.2.7/24", "dev", "eth0")
        self.outside.ip("addr", "add", "192.0.2.8/24", "dev", "port0")
        before = network_facts.stats(host)
        self.assertIsNone(before["seconds"])
        self.assertIsNone(before["interfaces"]["eth0"]["rx_bps"])
        self.exchange(("192.0.2.8", 9), times=3)
        after = network_facts.stats(host)
        gone = {
            name: after["interfaces"]["eth0"][name] - before["interfaces"]["eth0"][name]
            for name in ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes")
        }
        self.assertGreaterEqual(min(gone["rx_packets"], gone["tx_packets"]), 3)
        rate = after["interfaces"]["eth0"]["tx_bps"]
        self.assertAlmostEqual(gone["tx_bytes"] * 8 / after["seconds"], rate, delta=rate / 50)
        self.assertEqual(0, after["interfaces"]["eth1"]["tx_errors"])


@needs_root
class MonitorTest(NamespaceCase):
    def test_new_addresses_and_gone_links_within_a_second(self):
        with self.monitor.subscribe("newaddr", "dellink") as subscription:
            started = clock.monotonic()
            self.inside.ip("addr", "add", "192.0.2.7/24", "dev", "eth1")
            event = subscription.get(5)
            self.assertEqual(("newaddr", "eth1"), (event.kind, event.device))
            self.assertEqual("192.0.2.7/24", event.record.address)
            self.inside.ip("link", "del", "dev", "eth1")
            event = subscription.get(5)
            self.assertEqual(("dellink", "eth1"), (event.kind, event.device))
            self.assertLess(clock.monotonic() - started, 1)

    def test_filters_and_timeout(self):
        with self.monitor.subscribe("newaddr", devices=["eth1"]) as subscription:
            self.inside.ip("addr", "add", "192.0.2.7/24", "dev", "eth0")
            self.inside.ip("addr", "add", "192.0.2.8/24", "dev", "eth1")
            self.inside.ip("link", "set", "dev", "eth1", "mtu", "1400")
            [event] = [
                each for each in subscription.events(0.3) if each.record.family == "inet"
            ]
            self.assertEqual("192.0.2.8/24", event.record.address)
            self.assertRaises(TimeoutError, subscription.get, 0.01)
        with testtools.ExpectedException(ValueError, ".*newaddress"):
            with self.monitor.subscribe("newaddress"):
                pass

    def test_only_the_groups_that_were_asked_for(self):
        narrow = Monitor(["link"])
        with self.inside.entered():
            narrow.start()
        self.addCleanup(narrow.stop)
        with narrow.subscribe() as subscription:
            self.inside.ip("addr", "add", "192.0.2.7/24", "dev", "eth0")
            self.inside.ip("link", "set", "dev", "eth0", "mtu", "1400")
            self.assertEqual("newlink", subscription.get(5).kind)
        self.assertRaises(KeyError, Monitor, ["weather"])

    def test_routes_and_rules(self):
        with self.monitor.subscribe("newroute", "newrule", "delrule") as subscription:
            self.inside.ip("route", "add", "10.7.0.0/16", "dev", "eth0", "table", "77")
            while (event := subscription.get(5)).record.table != 77:
                pass
            self.assertEqual("10.7.0.0/16", event.record.destination)
            self.inside.ip("rule", "add", "from", "192.0.2.0/24", "table", "77")
            while (event := subscription.get(5)).kind != "newrule":
                pass
            self.assertEqual(("192.0.2.0/24", 77), (event.record.source, event.record.table))
            self.inside.ip("-6", "rule", "add", "from", "2001:db8::/64", "table", "77")
            self.assertEqual("2001:db8::/64", subscription.get(5).record.source)

    def test_more_events_than_the_socket_holds(self):
        with self.monitor.subscribe("newaddr") as subscription:
            before = self.facts.snapshot()
            # one program's work, in which the monitor has no turn
            self.inside.batch(*(
                f"addr {verb} 10.{high}.{low}.1/24 dev eth0"
                for high in range(8) for low in range(250) for verb in ("add", "del")
            ))
            kinds = {event.kind for event in subscription.events(1)}
            self.assertIn("lost", kinds)
            self.assertIsNot(before, self.facts.snapshot())

    def test_waiting_for_a_link(self):
        self.assertEqual("up", self.facts.wait_for_link_up("eth0", 5).state)
        self.outside.ip("link", "set", "dev", "port0", "down")
        waiting = concurrency.spawn(self.facts.wait_for_link_up, "eth0", 5)
        self.assertFalse(waiting.ended(0.1))
        self.outside.ip("link", "set", "dev", "port0", "up")
        self.assertEqual("up", waiting.wait(2).state)

    def test_a_link_that_stays_down(self):
        self.outside.ip("link", "set", "dev", "port0", "down")
        refused = self.assertRaises(
            exceptions.LinkStayedDown, self.facts.wait_for_link_up, "eth0", 0.1
        )
        self.assertIn("eth0 was not up after 0.1 s", str(refused))

    def test_others_run_while_it_waits(self):
        waiting = concurrency.spawn(self._first, "newroute")
        started = clock.monotonic()
        concurrency.sleep(0.01)
        self.assertLess(clock.monotonic() - started, 0.5)
        self.inside.ip("route", "add", "10.7.0.0/16", "dev", "eth0")
        self.assertEqual("newroute", waiting.wait(5).kind)

    def _first(self, kind):
        with self.monitor.subscribe(kind) as subscription:
            return subscription.get(5)
