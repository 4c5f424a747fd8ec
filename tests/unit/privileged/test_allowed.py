"""Only what root has allowed is touched, and only root can allow it."""

import os
from pathlib import Path

import fixtures
import testtools

from mycloud.privileged import allowed, errors, ownership
from tests.fixtures.recorded_programs import RecordedPrograms

_GROUPS = allowed.VOLUME_GROUPS


class AllowedTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        if os.geteuid():
            self.skipTest("only root can own a list")
        self.useFixture(RecordedPrograms())
        self.list = allowed.path(_GROUPS)
        self.list.parent.mkdir()

    def test_the_default(self):
        allowed.check(_GROUPS, "mycloud-volumes")
        for bad in ("mycloud", "system", ""):
            self.assertRaises(errors.Refused, allowed.check, _GROUPS, bad)

    def test_a_list(self):
        self.list.write_text("# groups\nfast  # of NVMe\n\nslow-*\n")
        for good in ("fast", "slow-", "slow-1"):
            allowed.check(_GROUPS, good)
        for bad in ("mycloud-volumes", "fast1", "slow", "#", ""):
            error = self.assertRaises(errors.Refused, allowed.check, _GROUPS, bad)
            self.assertIn(str(self.list), error.message)

    def test_an_empty_list_allows_nothing(self):
        self.list.touch()
        self.assertRaises(errors.Refused, allowed.check, _GROUPS, "mycloud-volumes")

    def test_a_list_that_others_can_change(self):
        self.list.write_text("fast\n")
        self.list.chmod(0o664)
        error = self.assertRaises(errors.Refused, allowed.check, _GROUPS, "fast")
        self.assertIn("can be written to by others", error.message)
        self.list.chmod(0o644)
        os.chown(self.list, 65534, 65534)
        error = self.assertRaises(errors.Refused, allowed.check, _GROUPS, "fast")
        self.assertIn("belongs to the user 65534", error.message)
        self.list.unlink()
        self.list.symlink_to("/etc/hostname")
        error = self.assertRaises(errors.Refused, allowed.check, _GROUPS, "fast")
        self.assertIn("is a link", error.message)


class OwnershipTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        if os.geteuid():
            self.skipTest("only root can give files away")
        self.root = Path(self.useFixture(fixtures.TempDir()).path)

    def test_a_directory_of_somebody_else_on_the_way(self):
        (self.root / "a").mkdir()
        path = self.root / "a" / "file"
        path.touch()
        ownership.check_only_root_writes(str(path))
        os.chown(self.root / "a", 65534, -1)
        error = self.assertRaises(
            errors.Refused, ownership.check_only_root_writes, str(path)
        )
        self.assertIn(f"{self.root / 'a'} belongs to the user 65534", error.message)

    def test_a_link_on_the_way(self):
        (self.root / "a").mkdir()
        (self.root / "a" / "file").touch()
        (self.root / "b").symlink_to("a")
        path = str(self.root / "b" / "file")
        error = self.assertRaises(errors.Refused, ownership.check_only_root_writes, path)
        self.assertIn("is a link", error.message)

    def test_what_is_missing(self):
        path = str(self.root / "file")
        error = self.assertRaises(errors.Refused, ownership.check_only_root_writes, path)
        self.assertIn("No such file", error.message)
