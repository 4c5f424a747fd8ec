"""Volumes on a share of a real NFS server, in a guest whose kernel knows NFS.

The tests are those of tests/guest/nfs.py, and the contract of all storage backends.
"""

import unittest

import testtools

from tests.fixtures import lvm_guest

#: a machine with nothing else to do needs a fraction of it
_SECONDS = 1500
#: MiB: of the disk that most tests use, and of one that is soon full
_DISKS = (6 << 10, 72)
#: fewer would mean that something was not even found
_TESTS = 25


@unittest.skipIf(lvm_guest.why_not(), lvm_guest.why_not())
class NfsGuestTest(testtools.TestCase):
    def test_a_real_share(self):
        with lvm_guest.LvmGuest() as guest:
            outcome = guest.run(
                "tests/guest/run.sh", "nfs", "eventlet", disks=_DISKS, seconds=_SECONDS
            )
        self.assertEqual([], outcome.problems("nfs", _TESTS), outcome.output)
