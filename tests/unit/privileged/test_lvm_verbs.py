"""The device of a logical volume is given away, and nothing else.

What the tools are told: tests/unit/volume/test_lvm.py.
"""

import os
import stat
from pathlib import Path

import fixtures
import testtools

from mycloud.privileged import allowed, errors
from mycloud.privileged.verbs import lvm
from tests.fixtures.recorded_programs import RecordedPrograms

_GROUP = "mycloud-vg"
_DEVICE = os.makedev(253, 7)


class GiveTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        if os.geteuid():
            self.skipTest("only root can make devices")
        root = Path(self.useFixture(fixtures.TempDir()).path)
        self.devices, self.kernel = root / "dev", root / "sys"
        (self.devices / _GROUP).mkdir(parents=True)
        self.useFixture(RecordedPrograms())
        for name, value in (("_DEVICES", self.devices), ("_BLOCK_DEVICES", self.kernel)):
            self.useFixture(fixtures.MonkeyPatch(f"mycloud.privileged.verbs.lvm.{name}", value))

    def node(self, name, kind=stat.S_IFBLK):
        node = self.devices / _GROUP / name
        os.mknod(node, kind | 0o640, _DEVICE)
        return node

    def mapped(self, name, uuid="LVM-x"):
        mapped = self.kernel / "253:7" / "dm"
        mapped.mkdir(parents=True, exist_ok=True)
        (mapped / "name").write_text(f"{name}\n")
        (mapped / "uuid").write_text(f"{uuid}\n")

    def refused(self, name):
        return self.assertRaises(errors.Refused, lvm.lvm_give, _GROUP, name).message

    def test_it_is_given(self):
        node = self.node("a-b")
        self.mapped("mycloud--vg-a--b")
        for _ in range(2):
            self.assertEqual(str(node), lvm.lvm_give(_GROUP, "a-b"))
        found = node.stat()
        self.assertEqual(
            (os.getuid(), 0o600), (found.st_uid, stat.S_IMODE(found.st_mode))
        )

    def test_what_is_not_active(self):
        self.assertIn("not active", self.refused("a"))

    def test_another_device(self):
        node = self.node("a")
        self.assertIn("is not the device", self.refused("a"))
        self.mapped("mycloud--vg-b")
        self.assertIn("is not the device", self.refused("a"))
        # somebody else's, of the same name
        self.mapped("mycloud--vg-a", "CRYPT-x")
        self.assertIn("is not the device", self.refused("a"))
        self.assertEqual(0o640, stat.S_IMODE(node.stat().st_mode))

    def test_no_device_at_all(self):
        self.node("c", stat.S_IFCHR)
        self.mapped("mycloud--vg-c")
        self.assertIn("is not the device", self.refused("c"))
        (self.devices / _GROUP / "f").write_text("data")
        self.assertIn("is not the device", self.refused("f"))

    def test_a_group_that_root_has_not_allowed(self):
        error = self.assertRaises(errors.Refused, lvm.lvm_give, "system", "root")
        self.assertIn("volume group system", error.message)


class ConfFileTest(testtools.TestCase):
    def test_an_lvm_conf_of_its_own(self):
        if os.geteuid():
            self.skipTest("only root can own a list")
        programs = self.useFixture(RecordedPrograms(vgs='{"report": []}'))
        groups, conf_file = allowed.path(allowed.VOLUME_GROUPS), Path(programs.root) / "lvm.conf"
        groups.parent.mkdir()
        groups.write_text(f"own {conf_file}\nplain\n")
        conf_file.touch(0o644)
        for name in ("own", "plain"):
            self.assertEqual([], lvm.lvm_groups(name))
        own, plain = programs.environments
        self.assertEqual(programs.root, own["LVM_SYSTEM_DIR"])
        self.assertNotIn("LVM_SYSTEM_DIR", plain)
        # whoever writes there is root
        conf_file.chmod(0o646)
        error = self.assertRaises(errors.Refused, lvm.lvm_groups, "own")
        self.assertIn(f"{conf_file} can be written to by others", error.message)
