"""Bonds, VLANs and bridges of a host, in a guest whose kernel has them.

The tests are those of tests/guest/host_network.py.
"""

import unittest

import testtools

from tests.fixtures import lvm_guest

#: a machine with nothing else to do needs a fraction of it
_SECONDS = 600
#: fewer would mean that something was not even found
_TESTS = 8


@unittest.skipIf(lvm_guest.why_not(), lvm_guest.why_not())
class NetworkGuestTest(testtools.TestCase):
    def test_host_networks(self):
        with lvm_guest.LvmGuest() as guest:
            outcome = guest.run(
                "tests/guest/run.sh", "host_network", "threading", nics=3, seconds=_SECONDS
            )
        self.assertEqual([], outcome.problems("host_network", _TESTS), outcome.output)
