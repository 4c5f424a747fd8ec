"""Short names for long ones."""

import subprocess
import sys

import testtools

from mycloud.privileged import digest


class DigestTest(testtools.TestCase):
    def test_known_values(self) -> None:
        """Of the reference of FNV-1a."""
        self.assertEqual("cbf29ce484222325", digest.of(""))
        self.assertEqual("af63dc4c8601ec8c", digest.of("a"))
        self.assertEqual("85944171f73967e8", digest.of("foobar"))


class MemoryTest(testtools.TestCase):
    def test_the_helper_imports_nothing_large(self) -> None:
        script = (
            "import sys; from mycloud.privileged import discovery, program; discovery.find(); "
            "print(*sorted({'asyncio', 'eventlet', 'hashlib', 'oslo_config', 'pyroute2', 'ssl'} "
            "& set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        self.assertEqual("\n", done.stdout)
