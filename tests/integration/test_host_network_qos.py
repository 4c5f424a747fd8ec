"""Shares in a host's networks: set by a document, kept over changes, taken back with all else."""

import json

from mycloud.agent.netinfo.facts import Facts
from mycloud.common import exceptions
from tests.fixtures.program import wait_for
from tests.integration import test_host_network


def document(**qos):
    return {"networks": {"front": {
        "nic": "eth1", "addresses": ["203.0.113.9/24"], **({"qos": {"out": qos}} if qos else {}),
    }}}


class SharesTest(test_host_network.HostNetworkCase):
    def disciplines(self):
        return self.inside.run("tc", "qdisc", "show", "dev", "eth1")

    def share(self):
        """Of the untagged network, as tc shows it."""
        told = self.inside.run("tc", "-d", "class", "show", "dev", "eth1")
        found = [line.split() for line in told.splitlines() if " 7c0d:1fff " in line]
        return {
            name: words[words.index(name) + 1] for words in found
            for name in ("quantum", "rate", "ceil")
        }

    def applied(self, wanted):
        done = self.setup.apply(wanted, 60)
        self.setup.commit(done["checkpoint"])
        return done["lines"]

    def test_set_changed_and_removed_without_a_trace(self):
        before = self.disciplines()
        lines = self.applied(document(ls=70, ul="200Mbit", rt="5Mbit"))
        self.assertIn(
            "eth1: the untagged network sends by share 70, guaranteed 5000000 bit/s, limit "
            "200000000 bit/s", lines,
        )
        self.assertEqual(
            {"quantum": "105980", "rate": "5Mbit", "ceil": "200Mbit"}, self.share()
        )
        facts = Facts()
        with self.inside.entered():
            facts.start()
        self.addCleanup(facts.stop)
        [(link, networks)] = facts.capabilities()["qos"].items()
        self.assertEqual("eth1", link)
        # the kernel has sent something by itself
        self.assertGreater(networks["untagged"].pop("sent_bytes"), -1)
        self.assertEqual({"untagged": {
            "share": 70, "limit_bps": 200_000_000, "guaranteed_bps": 5_000_000,
        }}, networks)
        told = self.setup.status()["document"]["networks"]["front"]["qos"]
        self.assertEqual({"out": {"ls": 70, "ul": 200_000_000, "rt": 5_000_000}}, told)
        again = self.setup.apply(document(ls=70, ul="200Mbit", rt="5Mbit"))
        self.assertEqual((None, []), (again["checkpoint"], again["lines"]))

        self.assertEqual(1, len(self.applied(document(ul="100Mbit"))))
        self.assertEqual(
            {"quantum": "75700", "rate": "64Kbit", "ceil": "100Mbit"}, self.share()
        )
        self.applied(document())
        self.assertEqual(before, self.disciplines())
        self.assertEqual({}, facts.capabilities()["qos"])
        self.applied(document(ls=1))
        self.applied({"networks": {"front": {"remove": True}}})
        self.assertEqual(before, self.disciplines())

    def test_rolled_back(self):
        before = self.disciplines()
        done = self.setup.apply(document(ls=70), 60)
        self.setup.rollback(done["checkpoint"])
        self.assertEqual(before, self.disciplines())
        self.is_back()
        self.applied(document(ls=70))
        first = self.share()
        self.setup.apply(document(ls=7, ul="1Mbit"), 1)
        wait_for(lambda: self.setup.status()["armed"] is None, "the helper goes back")
        self.assertEqual(first, self.share())

    def test_restored_when_the_host_starts(self):
        self.applied(document(ls=70))
        wanted = self.share()
        self.helper.end()
        self.inside.run("tc", "qdisc", "del", "dev", "eth1", "root")
        self.inside.batch("addr flush dev eth1", "link set dev eth1 down")
        boot = (self.helper.state / test_host_network.CHECKPOINT).with_name("boot.json")
        boot.write_text(json.dumps({**json.loads(boot.read_text()), "id": "another"}))
        self.helper.start()
        self.assertEqual([], self.setup.status()["boot"]["problems"])
        self.assertEqual(wanted, self.share())

    def test_somebody_elses_discipline(self):
        self.inside.run("tc", "qdisc", "add", "dev", "eth1", "root", "handle", "5:", "htb")
        before = self.disciplines()
        refused = self.assertRaises(
            exceptions.HostNetworkNotApplied, self.setup.apply, document(ls=70), 60
        )
        self.assertIn("tc qdisc del dev eth1 root", refused.message)
        self.assertEqual(before, self.disciplines())
        self.is_back()

    def test_bad_shares_change_nothing(self):
        before = self.disciplines()
        for qos in ({"ls": 101}, {"ul": "fast"}, {"rt": "2Gbit", "ul": "1Gbit"}):
            refused = self.assertRaises(exceptions.BadField, self.setup.apply, document(**qos))
            self.assertIn("networks.front.qos.out", refused.message)
        self.assertEqual(before, self.disciplines())
        self.is_back()
