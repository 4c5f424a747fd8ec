"""Short names of directories for sockets."""

import os
import unittest
from pathlib import Path

import fixtures
import testtools

from mycloud.common import exceptions
from mycloud.disk import short_path


class ShortPathTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.home = self.root / "home"
        self.useFixture(fixtures.MonkeyPatch(
            "mycloud.disk.short_path._home", lambda: self.home
        ))
        self.long = self.root / ("x" * 100)
        self.long.mkdir()

    def test_leads_to_the_directory_until_removed(self):
        (self.long / "there").touch()
        link = short_path.make(self.long)
        self.assertTrue((link / "there").exists())
        self.assertEqual(link, short_path.make(self.long))
        self.assertEqual(0o700, self.home.stat().st_mode & 0o777)
        other = self.root / "other"
        other.mkdir()
        short_path.make(other)
        short_path.remove(self.long)
        self.assertFalse(link.is_symlink())
        short_path.remove(other)
        self.assertFalse(self.home.exists())
        short_path.remove(other)

    def test_what_leads_elsewhere_is_replaced(self):
        link = short_path.make(self.long)
        link.unlink()
        link.symlink_to("/nowhere")
        self.assertEqual(str(self.long), os.readlink(short_path.make(self.long)))

    def test_a_place_that_others_can_write_to_is_refused(self):
        self.home.mkdir()
        self.home.chmod(0o777)
        self.assertRaises(exceptions.HypervisorUnavailable, short_path.make, self.long)
        self.home.rmdir()
        self.home.symlink_to(self.root)
        self.assertRaises(exceptions.HypervisorUnavailable, short_path.make, self.long)

    def test_a_socket_may_have_107_bytes(self):
        self.assertTrue(short_path.fits("x" * 107))
        self.assertFalse(short_path.fits("ä" * 54))


if __name__ == "__main__":
    unittest.main()
