"""kill -9 at every point of what is done with backups: nothing is lost, doubled or made twice.

The points come from a first life that is left alone (see tests/fixtures/crash_backups.py).
"""

import json
import subprocess
import sys

import testtools

from tests.fixtures import crash_backups


class TestKillBackups(testtools.TestCase):
    def check(self, kind: str, least: int) -> None:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", crash_backups.__name__, kind],
            capture_output=True, text=True, timeout=300, check=False,
        )
        outcomes = [json.loads(line) for line in done.stdout.splitlines()]
        problems = [outcome for outcome in outcomes if outcome["problems"]]
        self.assertEqual([], problems, done.stderr[-3000:])
        self.assertEqual(0, done.returncode, done.stderr[-3000:])
        # the points are discovered: fewer than the steps have means that the hooks are broken
        self.assertGreaterEqual(len(outcomes), least)

    def test_create(self) -> None:
        self.check("create", 18)

    def test_create_in_use(self) -> None:
        self.check("create_in_use", 22)

    def test_restore(self) -> None:
        self.check("restore", 10)

    def test_restore_to_new(self) -> None:
        self.check("restore_to_new", 14)

    def test_delete(self) -> None:
        self.check("delete", 10)
