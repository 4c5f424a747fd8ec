"""kill -9 at every point of what is done to servers: nothing is lost or doubled.

The points come from a first life that is left alone (see tests/fixtures/crash.py).
"""

import json
import subprocess
import sys

import testtools

from tests.fixtures import crash


class TestKill(testtools.TestCase):
    def check(self, kind: str, least: int) -> None:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", crash.__name__, kind],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        outcomes = [json.loads(line) for line in done.stdout.splitlines()]
        problems = [outcome for outcome in outcomes if outcome["problems"]]
        self.assertEqual([], problems, done.stderr[-3000:])
        self.assertEqual(0, done.returncode, done.stderr[-3000:])
        # the points are discovered: fewer than the steps have means that the hooks are broken
        self.assertGreaterEqual(len(outcomes), least)

    def test_create(self) -> None:
        self.check("create", 20)

    def test_stop(self) -> None:
        self.check("stop", 10)

    def test_start(self) -> None:
        self.check("start", 10)

    def test_reboot(self) -> None:
        self.check("reboot", 10)

    def test_create_image(self) -> None:
        self.check("create_image", 15)

    def test_delete(self) -> None:
        self.check("delete", 10)
