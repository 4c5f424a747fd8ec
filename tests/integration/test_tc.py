"""Shares of networks and mirrors of ports, by the real root helper in a network namespace."""

import errno
import socket

import testtools

from mycloud.agent.host import Host
from mycloud.agent.netinfo.facts import Facts
from mycloud.agent.verbs import network_facts
from mycloud.common import clock, concurrency, exceptions
from mycloud.privileged import client, errors
from tests.fixtures.mounts import needs_root
from tests.fixtures.network_namespace import NetworkNamespace
from tests.fixtures.privileged import PrivilegedHelper

ETH_P_ALL = 3


class TcCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.inside, self.outside = NetworkNamespace(), NetworkNamespace()
        self.addCleanup(self.outside.close)
        self.addCleanup(self.inside.close)
        self.inside.pair("eth0", self.outside, "port0")
        self.inside.batch("addr add 192.0.2.7/24 dev eth0", "addr add 2001:db8::7/64 dev eth0")
        self.outside.batch("addr add 192.0.2.8/24 dev port0")
        self.useFixture(PrivilegedHelper(netns=self.inside.name))

    def tc(self, *words):
        return self.inside.run("tc", *words)

    def socket(self, namespace, kind, family=socket.AF_INET, protocol=0):
        with namespace.entered():
            found = socket.socket(family, kind, protocol)
        self.addCleanup(found.close)
        found.settimeout(20)
        return found


@needs_root
class SharesTest(TcCase):
    def sent_by_class(self):
        """Bytes by class."""
        lines = iter(self.tc("-s", "class", "show", "dev", "eth0").splitlines())
        return {
            line.split()[2]: int(next(lines).split()[1])
            for line in lines if line.startswith("class")
        }

    def send(self, size):
        """Send so many bytes to the outside; the seconds that it took to come."""
        listening = self.socket(self.outside, socket.SOCK_STREAM)
        listening.bind(("192.0.2.8", 0))
        listening.listen()
        sender = self.socket(self.inside, socket.SOCK_STREAM)
        sender.connect(listening.getsockname())
        receiver, _ = listening.accept()
        started = clock.monotonic()
        task = concurrency.spawn(sender.sendall, bytes(size))
        with receiver:
            while size > 0:
                size -= len(receiver.recv(1 << 16))
        task.wait(20)
        return clock.monotonic() - started

    def test_set_change_and_remove_without_a_trace(self):
        before = self.tc("qdisc", "show")
        client.call.tc_qos_set("eth0", None, outbound={
            "share": 70, "limit": 8_000_000, "guaranteed": 1_000_000,
        })
        told = self.tc("class", "show", "dev", "eth0")
        self.assertIn("7c0d:1fff parent 7c0d:ffff prio 0 rate 1Mbit ceil 8Mbit", told)
        client.call.tc_qos_set("eth0", None, outbound={"limit": 9_000_000})
        told = self.tc("class", "show", "dev", "eth0")
        self.assertIn("7c0d:1fff parent 7c0d:ffff prio 0 rate 64Kbit ceil 9Mbit", told)
        self.assertEqual(2, self.tc(
            "filter", "show", "dev", "eth0", "parent", "7c0d:"
        ).count("flowid"))
        self.assertEqual({"removed": True}, client.call.tc_qos_remove("eth0", None))
        self.assertEqual(before, self.tc("qdisc", "show"))
        self.assertEqual({"removed": False}, client.call.tc_qos_remove("eth0", None))

    def test_a_limit_is_kept(self):
        client.call.tc_qos_set("eth0", None, outbound={"limit": 8_000_000})
        seconds = self.send(1_000_000)
        # a burst may be ahead of the limit
        self.assertGreater(seconds, 0.8)
        self.assertGreater(self.sent_by_class()["7c0d:1fff"], 1_000_000)
        client.call.tc_qos_remove("eth0", None)
        self.assertLess(self.send(1_000_000), seconds / 2)

    def test_after_a_tree_was_cut_off(self):
        for command in (
            "qdisc add dev eth0 root handle 7c0d: htb default 1ffe",
            "class add dev eth0 parent 7c0d: classid 7c0d:ffff htb rate 1gbit quantum 60000",
        ):
            self.tc(*command.split())
        client.call.tc_qos_set("eth0", None)
        self.tc("filter", "del", "dev", "eth0", "parent", "7c0d:", "pref", "201")
        client.call.tc_qos_set("eth0", None)
        self.assertEqual({"7c0d:ffff", "7c0d:1ffe", "7c0d:1fff"}, set(self.sent_by_class()))
        self.assertEqual(2, self.tc(
            "filter", "show", "dev", "eth0", "parent", "7c0d:"
        ).count("flowid"))

    def test_a_kernel_without_the_classifier_keeps_its_network(self):
        before = self.tc("qdisc", "show")
        try:
            client.call.tc_qos_set("eth0", 17)
        except errors.TcFailed as error:
            self.assertEqual(errno.EOPNOTSUPP, error.details["errno"])
            self.assertIn("tc filter add dev eth0", error.message)
            self.assertEqual("/usr/sbin/tc", error.details["command"][0])
        else:
            client.call.tc_qos_remove("eth0", 17)
        self.assertEqual(before, self.tc("qdisc", "show"))

    def test_others_disciplines_are_left_alone(self):
        self.tc("qdisc", "add", "dev", "eth0", "root", "handle", "5:", "htb")
        before = self.tc("qdisc", "show")
        refused = self.assertRaises(errors.Refused, client.call.tc_qos_set, "eth0", None)
        self.assertIn("tc qdisc del dev eth0 root", refused.message)
        self.assertEqual({"removed": False}, client.call.tc_qos_remove("eth0", None))
        self.assertEqual(before, self.tc("qdisc", "show"))

    def test_bad_arguments(self):
        for words, vlan, outbound in (
            ("vlan", 0, {}), ("vlan", 4095, {}), ("share", None, {"share": 0}),
            ("limit", None, {"limit": -1}), ("limit", None, {"limit": 1_234_567}),
            ("outbound", None, {"guaranteed": "1Mbit"}), ("unknown key", None, {"burst": 1}),
            ("guaranteed", None, {"guaranteed": 10**7, "limit": 10**6}),
        ):
            refused = self.assertRaises(
                errors.InvalidArguments, client.call.tc_qos_set, "eth0", vlan, outbound=outbound
            )
            self.assertIn(words, refused.message)
        for device in ("-batch", "eth0;id", "", "../x"):
            self.assertRaises(errors.InvalidArguments, client.call.tc_qos_set, device, None)
        gone = self.assertRaises(errors.TcFailed, client.call.tc_qos_set, "nope", None)
        self.assertEqual(errno.ENODEV, gone.details["errno"])


@needs_root
class MirrorTest(TcCase):
    def setUp(self):
        super().setUp()
        self.inside.batch(
            "link add mon0 type veth peer name seen0", "link add mon1 type veth peer name seen1",
            *(f"link set dev {name} up" for name in ("mon0", "seen0", "mon1", "seen1")),
        )

    def watch(self, name):
        found = self.socket(
            self.inside, socket.SOCK_RAW, socket.AF_PACKET, socket.htons(ETH_P_ALL)
        )
        found.bind((name, 0))
        return found

    def seen(self, watcher):
        """The marks that come until the last one."""
        marks = []
        while b"last" not in marks:
            frame = watcher.recv(2000)
            if b"mark:" in frame:
                marks.append(frame.partition(b"mark:")[2].rstrip(b"\0"))
        return marks

    def talk(self):
        """A datagram each way; the sockets are those of an answered exchange."""
        one, other = (
            self.socket(namespace, socket.SOCK_DGRAM) for namespace in (self.inside, self.outside)
        )
        one.bind(("192.0.2.7", 0))
        other.bind(("192.0.2.8", 0))
        one.sendto(b"mark:out", other.getsockname())
        self.assertEqual(b"mark:out", other.recv(100))
        other.sendto(b"mark:in", one.getsockname())
        self.assertEqual(b"mark:in", one.recv(100))
        one.sendto(b"mark:last", other.getsockname())

    def test_both_directions_and_nothing_left(self):
        before = self.tc("qdisc", "show"), self.tc("filter", "show", "dev", "eth0")
        self.assertEqual({"changed": True}, client.call.tc_mirror_set("eth0", "mon0"))
        self.assertEqual({"changed": False}, client.call.tc_mirror_set("eth0", "mon0"))
        watcher = self.watch("seen0")
        self.talk()
        self.assertEqual([b"out", b"in", b"last"], self.seen(watcher))
        self.assertEqual({"changed": True}, client.call.tc_mirror_unset("eth0", "mon0"))
        self.assertEqual(
            before, (self.tc("qdisc", "show"), self.tc("filter", "show", "dev", "eth0"))
        )
        self.assertEqual({"changed": False}, client.call.tc_mirror_unset("eth0", "mon0"))

    def test_by_the_agent(self):
        facts = Facts()
        with self.inside.entered():
            facts.start()
        self.addCleanup(facts.stop)
        host = Host("here", None, {Facts: facts})
        before = self.tc("qdisc", "show")
        for on in (True, False):
            for changed in (True, False):
                told = network_facts.mirror(host, source="eth0", target="mon0", on=on)
                self.assertEqual({"changed": changed}, told)
        self.assertEqual(before, self.tc("qdisc", "show"))
        self.assertRaises(
            exceptions.NoSuchInterface, network_facts.mirror, host, source="eth0", target="mon9",
            on=True,
        )

    def test_two_mirrors_of_one(self):
        before = self.tc("qdisc", "show")
        for target in ("mon0", "mon1"):
            client.call.tc_mirror_set("eth0", target)
        watchers = [self.watch("seen0"), self.watch("seen1")]
        self.talk()
        for watcher in watchers:
            self.assertEqual([b"out", b"in", b"last"], self.seen(watcher))
        client.call.tc_mirror_unset("eth0", "mon0")
        self.assertIn("to device mon1", self.tc("filter", "show", "dev", "eth0", "ingress"))
        self.assertNotIn("to device mon0", self.tc("filter", "show", "dev", "eth0", "ingress"))
        client.call.tc_mirror_unset("eth0", "mon1")
        self.assertEqual(before, self.tc("qdisc", "show"))

    def test_others_filters_stay(self):
        self.tc("qdisc", "add", "dev", "eth0", "clsact")
        before = self.tc("qdisc", "show")
        client.call.tc_mirror_set("eth0", "mon0")
        client.call.tc_mirror_unset("eth0", "mon0")
        self.assertEqual(before, self.tc("qdisc", "show"))

    def test_refused_without_a_trace(self):
        before = self.tc("qdisc", "show")
        self.assertRaises(errors.Refused, client.call.tc_mirror_set, "eth0", "eth0")
        gone = self.assertRaises(errors.TcFailed, client.call.tc_mirror_set, "eth0", "nope")
        self.assertEqual(errno.ENODEV, gone.details["errno"])
        self.assertRaises(errors.TcFailed, client.call.tc_mirror_set, "nope", "mon0")
        self.assertEqual({"changed": False}, client.call.tc_mirror_unset("nope", "mon0"))
        self.assertEqual(before, self.tc("qdisc", "show"))
        self.tc("qdisc", "add", "dev", "eth0", "ingress")
        refused = self.assertRaises(errors.Refused, client.call.tc_mirror_set, "eth0", "mon0")
        self.assertIn("tc qdisc del dev eth0 ingress", refused.message)
