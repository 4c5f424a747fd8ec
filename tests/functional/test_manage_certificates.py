"""mycloud-manage certificates, as an operator calls it."""

import subprocess
import sys
import unittest
from pathlib import Path

import fixtures
import testtools

from mycloud.common import pki


class ManageCertificatesTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.state = Path(self.useFixture(fixtures.TempDir()).path)
        self.config = self.state / "mycloud.conf"
        self.config.write_text(
            f"[DEFAULT]\nstate_path = {self.state}\n"
            f"[database]\nconnection = sqlite:///{self.state}/mycloud.db\n"
        )

    def run_command(self, *words):
        return subprocess.run(
            [sys.executable, "-m", "mycloud.cmd.manage", "--config-file", self.config,
             "certificates", *words],
            capture_output=True, text=True, timeout=60, check=False,
        )

    def test_writes_a_bundle_for_each_host(self):
        done = self.run_command("node-1=127.0.0.1,node-1.example", "node-2")
        self.assertEqual(0, done.returncode, done.stderr)
        found = [Path(line) for line in done.stdout.split()]
        self.assertEqual(
            [self.state / "authority" / "hosts" / name for name in ("node-1", "node-2")], found
        )
        for path in found:
            self.assertEqual(
                f"CN={path.name}", pki.certificate_subject(path / pki.CLIENT_CERTIFICATE)
            )

    def test_refuses_what_is_no_host(self):
        done = self.run_command("../node-1")
        self.assertEqual(1, done.returncode)
        self.assertIn("can't be the name of a host", done.stderr)
        self.assertEqual(2, self.run_command().returncode)


if __name__ == "__main__":
    unittest.main()
