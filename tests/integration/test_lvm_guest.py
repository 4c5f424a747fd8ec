"""LVM on a real device-mapper: thick and thin volumes, in a guest that has one.

The tests are those of tests/guest; here is only what starts them and tells what became of each.
"""

import json
import unittest

import testtools

from tests.fixtures import lvm_guest
from tests.guest.report import WORD

#: a machine with nothing else to do needs a third of it
_SECONDS = 900
#: MiB: for thick and for thin volumes the disk of all tests, a small and a tiny one
_DISKS = (48 << 10, 1600, 256)
#: fewer would mean that something was not even found
_TESTS = 70


@unittest.skipIf(lvm_guest.why_not(), lvm_guest.why_not())
class LvmGuestTest(testtools.TestCase):
    def test_lvm(self):
        guest = self.useFixture(lvm_guest.LvmGuest())
        script = lvm_guest.ROOT / "tests" / "guest" / "lvm.sh"
        outcome = guest.run(script, _DISKS * 2, seconds=_SECONDS)
        lines = outcome.output.splitlines()
        told = [
            json.loads(line[len(WORD):]) for line in lines if line.startswith(WORD)
        ]
        failed = [row for row in told if row["outcome"] == "failed"]
        if failed:
            self.fail("\n".join(f"{row['test']}\n{row['text']}" for row in failed))
        if outcome.status != 0:
            self.fail(f"status {outcome.status}, {len(told)} tests ended\n{outcome.output}")
        passed = [row for row in told if row["outcome"] == "passed"]
        self.assertGreaterEqual(len(passed), _TESTS)
