"""What tc's complaints mean, what its lists say, and what is refused before it is run."""

import errno

import testtools

from mycloud.privileged import errors
from mycloud.privileged.tc import listing, program, qos

COMPLAINTS = (
    ("RTNETLINK answers: File exists\n", errno.EEXIST),
    ("RTNETLINK answers: No such file or directory\n", errno.ENOENT),
    ("RTNETLINK answers: Operation not permitted\n", errno.EPERM),
    ("RTNETLINK answers: Device or resource busy\n", errno.EBUSY),
    ("Error: Exclusivity flag on, cannot modify.\n", errno.EEXIST),
    ("Error: Filter already exists.\nWe have an error talking to the kernel\n", errno.EEXIST),
    ("Error: Cannot delete qdisc with handle of zero.\n", errno.ENOENT),
    ("Error: Cannot find specified qdisc on specified device.\n", errno.ENOENT),
    ("Error: Parent Qdisc doesn't exists.\nWe have an error ...\n", errno.ENOENT),
    ("Error: Filter with specified priority/protocol not found.\n", errno.ENOENT),
    ("Error: Specified class not found.\n", errno.ENOENT),
    ("Error: HTB class in use.\n", errno.EBUSY),
    ("Error: Specified qdisc kind is unknown.\n", errno.EOPNOTSUPP),
    ("Error: TC classifier not found.\n", errno.EOPNOTSUPP),
    ("Cannot find device \"nope\"\n", errno.ENODEV),
    ("What is \"bogus\"?\nUsage: ... htb rate R1\n", errno.EINVAL),
    ("Warning: sch_htb: quantum of class 7C0DFFFF is big.\n", errno.EIO),
    ("", errno.EIO),
)
QDISCS = """\
qdisc htb 7c0d: dev eth0 root refcnt 3 r2q 10 default 0x1ffe direct_packets_stat 0
qdisc clsact ffff: dev eth0 parent ffff:fff1
qdisc noqueue 0: dev lo root refcnt 2
"""
CLASSES = """\
class htb 7c0d:ffff root rate 10Gbit ceil 10Gbit burst 0b cburst 0b
class htb 7c0d:11 parent 7c0d:ffff prio 0 rate 64Kbit ceil 1500Mbit burst 1600b cburst 0b
 Sent 90 bytes 1 pkt (dropped 0, overlimits 0 requeues 0)
class mq :1 root
"""
FILTERS = """\
filter protocol 802.1Q pref 100 flower chain 0
filter protocol 802.1Q pref 100 flower chain 0 handle 0x11 classid 7c0d:11
  vlan_id 17
  not_in_hw
filter protocol all pref 201 u32 chain 0
filter protocol all pref 201 u32 chain 0 fh 801: ht divisor 1
filter protocol all pref 201 u32 chain 0 fh 801::800 order 2048 key ht 801 bkt 0 *flowid 7c0d:1fff
  match 00000000/00000000 at 0
filter protocol all pref 19000 u32 chain 0 fh 802::800 order 2048 key ht 802 terminal flowid not_in_hw
  match 00000000/00000000 at 0
\taction order 1: mirred (Egress Mirror to device w1) continue
\tindex 2 ref 1 bind 1
\taction order 2: mirred (Egress Redirect to device ifb0) stolen
\tindex 3 ref 1 bind 1
"""  # noqa: E501 - as tc prints it


class ComplaintsTest(testtools.TestCase):
    def test_table(self):
        for text, number in COMPLAINTS:
            self.assertEqual(
                errno.errorcode[number], errno.errorcode[program.error_number(text)], text
            )


class ListingTest(testtools.TestCase):
    def test_qdiscs(self):
        htb, clsact, noqueue = listing.qdiscs(QDISCS)
        self.assertEqual(("htb", "7c0d:", "eth0", None), (
            htb.kind, htb.handle, htb.device, htb.parent
        ))
        self.assertIn("default 0x1ffe", htb.options)
        self.assertEqual(("clsact", "ffff:fff1"), (clsact.kind, clsact.parent))
        self.assertEqual(("0:", "lo"), (noqueue.handle, noqueue.device))

    def test_classes(self):
        root, leaf, plain = listing.classes(CLASSES)
        self.assertEqual((None, 10**10), (root.parent, root.rate))
        self.assertEqual(
            ("7c0d:11", "7c0d:ffff", 64_000, 1_500_000_000),
            (leaf.classid, leaf.parent, leaf.rate, leaf.ceil),
        )
        self.assertEqual((":1", None), (plain.classid, plain.rate))

    def test_filters(self):
        found = listing.filters(FILTERS)
        self.assertEqual(
            [
                ("flower", 100, None, None), ("flower", 100, "0x11", "7c0d:11"),
                ("u32", 201, None, None), ("u32", 201, "801:", None),
                ("u32", 201, "801::800", "7c0d:1fff"), ("u32", 19000, "802::800", None),
            ],
            [(each.kind, each.pref, each.handle, each.flowid) for each in found],
        )
        self.assertEqual(("w1",), found[-1].mirrors)
        self.assertEqual(("802.1Q", "all"), (found[0].protocol, found[-1].protocol))

    def test_nothing_that_is_known(self):
        for read in (listing.qdiscs, listing.classes, listing.filters):
            self.assertEqual([], read(""))
            self.assertEqual([], read("qdisc\nclass\nfilter\nfilter protocol all\nnonsense \n"))


    def test_rates_as_they_are_shown(self):
        for bits, shown in (
            (64_000, 64_000), (1_234_567, 1_234_000), (1_234_567_000, 1_234_000_000),
            (12_345_000_000, 12_345_000_000), (2_500_000, 2_500_000), (100_001, 100_000),
            (10**12, 10**12),
        ):
            self.assertEqual(shown, listing.shown(bits))
            self.assertEqual(shown, listing.shown(shown))


class OutboundTest(testtools.TestCase):
    def test_refused(self):
        for wanted, field in (
            (qos.Outbound(share=0), "share"),
            (qos.Outbound(share=101), "share"),
            (qos.Outbound(limit=1), "limit"),
            (qos.Outbound(guaranteed=10**16), "guaranteed"),
            (qos.Outbound(limit=10**6, guaranteed=10**7), "guaranteed"),
        ):
            refused = self.assertRaises(errors.InvalidArguments, wanted.check)
            self.assertTrue(refused.message.startswith(f"{field}: "), refused.message)
        qos.Outbound(limit=10**7, guaranteed=10**7).check()
