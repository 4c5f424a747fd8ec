"""Shares of networks as documents say them."""

import testtools

from mycloud.agent.network import canonical, qos
from mycloud.agent.network.canonical import Config
from mycloud.agent.network.plan import target_of
from mycloud.agent.network.qos import Qos
from mycloud.common import exceptions
from mycloud.privileged.network.model import Share

BAD = (
    ("fast", "", "no object"),
    ({}, "", "say how it sends"),
    ({"in": {}}, ".in", "known: out"),
    ({"out": 7}, ".out", "no object"),
    ({"out": {"burst": 1}}, ".out.burst", "known: ls, ul, rt"),
    ({"out": {"ls": 0}}, ".out.ls", "from 1 to 100"),
    ({"out": {"ls": "half"}}, ".out.ls", "no whole number"),
    ({"out": {"ul": "fast"}}, ".out.ul", "no rate"),
    ({"out": {"ul": "64kbit"}}, ".out.ul", "above 64kbit"),
    ({"out": {"rt": "2Tbit"}}, ".out.rt", "below 1Tbit"),
    ({"out": {"rt": "20Mbit", "ul": "10Mbit"}}, ".out.rt", "above the limit"),
)


class QosTest(testtools.TestCase):
    def test_canonical_form(self):
        for given, wanted in (
            (None, None),
            ({"out": {}}, Qos(50, None, None)),
            ({"out": {"ls": "70", "ul": "200Mbit", "rt": 1_234_567}},
             Qos(70, 200_000_000, 1_234_000)),
        ):
            found = qos.read("x", given)
            self.assertEqual(wanted, found)
            if found is not None:
                self.assertEqual(found, qos.read("x", found.document()))

    def test_refused(self):
        for given, place, words in BAD:
            document = {"networks": {"front": {"nic": "eth0", "qos": given}}}
            refused = self.assertRaises(
                exceptions.BadField, canonical.change, document, Config()
            )
            self.assertIn(f"networks.front.qos{place}: ", refused.message)
            self.assertIn(words, refused.message)

    def test_shares_lie_on_what_the_networks_lie_on(self):
        document = {
            "networks": {
                "front": {"nic": "eth0", "bridged": True, "qos": {"out": {"ls": 70}}},
                "back": {"bond": "bond0", "vlan": 17, "qos": {"out": {"ul": "1Gbit"}}},
                "other": {"nic": "eth0", "vlan": 18},
            },
            "bonds": {"bond0": {"nics": ["eth1"]}},
        }
        config = canonical.change(document, Config()).config
        self.assertEqual(
            {Share("eth0", 0, 70), Share("bond0", 17, 50, limit=10**9)},
            target_of(config).shares,
        )
        again = canonical.change(canonical.to_document(config), Config()).config
        self.assertEqual(config, again)
