"""LVM on a real device-mapper: thick and thin volumes, in a guest that has one.

The tests are those of tests/guest; here is only what starts them and tells what became of each.
"""

import unittest

import testtools

from mycloud.common import concurrency
from tests.fixtures import lvm_guest

#: a machine with nothing else to do needs a fraction of it
_SECONDS = 1500
#: MiB: the disk of most tests, a small one and a tiny one
_DISKS = (48 << 10, 1600, 128)
#: fewer would mean that something was not even found
_TESTS = 35


@unittest.skipIf(lvm_guest.why_not(), lvm_guest.why_not())
class LvmGuestTest(testtools.TestCase):
    def test_thick_and_thin(self):
        # side by side, each in a guest with one processor, and in another mode of concurrency;
        # the native threads of eventlet are lost in the forks that copy thick volumes
        lvm_guest.directory()
        tasks = [
            concurrency.spawn(self.run_in_guest, *words)
            for words in (("lvm_thick", "threading"), ("lvm_thin", "eventlet"))
        ]
        problems = [problem for task in tasks for problem in task.wait(_SECONDS + 60)]
        self.assertEqual([], problems, "\n".join(problems))

    def run_in_guest(self, module, mode):
        """What went wrong."""
        with lvm_guest.LvmGuest() as guest:
            outcome = guest.run(
                "tests/guest/run.sh", module, mode, disks=_DISKS, seconds=_SECONDS
            )
        return outcome.problems(module, _TESTS)
