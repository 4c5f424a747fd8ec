"""The units of a machine that has joined, for a systemd that only notes what it is told."""

import os
import pwd
import shutil
import subprocess
import unittest
from pathlib import Path

import fixtures
import testtools

from mycloud.local.layout import Layout
from mycloud.local.node import units
from mycloud.local.node.record import Record, Wanted
from mycloud.local.settings import LocalError

_SYSTEMCTL = """#!/bin/sh
echo "$@" >> {log}
[ ! -e {fails} ] || { echo no such thing >&2; exit 1; }
"""


class UnitsTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        base = Path(self.useFixture(fixtures.TempDir()).path)
        self.folder, self.log, self.fails = base / "units", base / "log", base / "fails"
        self.folder.mkdir()
        systemctl = base / "systemctl"
        systemctl.write_text(
            _SYSTEMCTL.replace("{log}", str(self.log)).replace("{fails}", str(self.fails))
        )
        systemctl.chmod(0o755)
        for name, value in (("_FOLDER", self.folder), ("_SYSTEMCTL", str(systemctl))):
            self.useFixture(fixtures.MonkeyPatch(f"mycloud.local.node.units.{name}", value))
        self.layout = Layout(base / "state")
        self.layout.make()
        user = pwd.getpwuid(os.geteuid()).pw_name
        wanted = Wanted("node1", "192.0.2.1", "fake", user)
        self.record = Record(wanted, ("http://192.0.2.2",), None, "an-id", "then")
        self.told: list[str] = []

    def take_over(self) -> None:
        units.take_over(self.layout, self.record, self.told.append)

    def test_life(self) -> None:
        self.assertFalse(units.installed(self.layout))
        units.check(self.layout)
        self.take_over()
        self.assertTrue(units.installed(self.layout))
        self.assertFalse(units.installed(Layout(Path("/elsewhere"))))
        units.stop()
        units.start()
        units.remove()
        self.assertEqual([], [*self.folder.iterdir()])
        both = "mycloud-privileged.service mycloud-compute.service"
        backwards = "mycloud-compute.service mycloud-privileged.service"
        self.assertEqual(
            ["daemon-reload", f"enable --now {both}", f"stop {backwards}", f"start {both}",
             f"disable --now {backwards}", "daemon-reload"],
            self.log.read_text().splitlines(),
        )

    def test_content(self) -> None:
        self.take_over()
        compute = (self.folder / "mycloud-compute.service").read_text().splitlines()
        self.assertEqual(1, len([line for line in compute if line.startswith("ExecStart=")]))
        self.assertIn(f"User={self.record.wanted.user}", compute)
        self.assertNotIn("StateDirectory=mycloud", compute)
        self.assertIn("Restart=on-failure", compute)
        helper = (self.folder / "mycloud-privileged.service").read_text()
        self.assertIn(f"--state {self.layout.state} --user {self.record.wanted.user}", helper)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_systemd_understands_them(self) -> None:
        self.take_over()
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *map(str, self.folder.glob("*.service"))],
            capture_output=True, text=True, check=False,
        )
        ours = [line for line in done.stderr.splitlines() if str(self.folder) in line]
        self.assertEqual([], ours, done.stderr)

    def test_units_of_somebody_else(self) -> None:
        (self.folder / "mycloud-compute.service").write_text("[Service]\n")
        error = self.assertRaises(LocalError, units.check, self.layout)
        self.assertIn("mycloud-compute.service", str(error))

    def test_systemd_fails(self) -> None:
        self.fails.touch()
        error = self.assertRaises(LocalError, self.take_over)
        self.assertIn("no such thing", str(error))


if __name__ == "__main__":
    unittest.main()
