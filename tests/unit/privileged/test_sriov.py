"""Virtual functions, on a tree of the test's own in place of the kernel's files."""

import errno
from pathlib import Path

import fixtures
import testtools

from mycloud.privileged import errors, sriov
from tests.fixtures.mounts import needs_root
from tests.fixtures.network_namespace import NetworkNamespace


class VirtualFunctionsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.sys = Path(self.useFixture(fixtures.TempDir()).path)
        self.place = self.sys / "class/net/eth0/device"
        self.place.mkdir(parents=True)
        (self.place / "sriov_totalvfs").write_text("8\n")
        self.control = self.place / "sriov_numvfs"
        self.control.write_text("0\n")

    def set(self, count):
        return sriov.set_vfs("eth0", count, sys=self.sys)

    def test_more_fewer_and_none(self):
        for count, before in ((3, 0), (8, 3), (1, 8), (1, 1), (0, 1)):
            self.control.write_text(f"{before}\n")
            self.assertEqual(before, self.set(count))
            # a file, unlike the kernel's, keeps what is longer
            self.assertEqual(count, int(self.control.read_text().split()[0]))

    def test_too_many(self):
        for count in (9, -1):
            refused = self.assertRaises(errors.Refused, self.set, count)
            self.assertIn("0 to 8", refused.message)
        self.assertEqual("0\n", self.control.read_text())

    def test_a_nic_without(self):
        (self.place / "sriov_totalvfs").unlink()
        self.assertRaises(errors.Refused, self.set, 1)
        self.assertRaises(errors.Refused, sriov.set_vfs, "eth9", 1, sys=self.sys)

    @needs_root
    def test_the_driver_refuses(self):
        # a file of the kernel that takes 1 to 255
        with NetworkNamespace() as namespace, namespace.entered():
            self.control.unlink()
            self.control.symlink_to("/proc/sys/net/ipv4/ip_default_ttl")
            (self.place / "sriov_totalvfs").write_text("1000\n")
            before = int(self.control.read_text())
            refused = self.assertRaises(errors.SystemFailed, self.set, 300)
            self.assertEqual(errno.EINVAL, refused.details["errno"])
            self.assertIn("eth0 does not get 300 virtual functions", refused.message)
            self.assertEqual(before, int(self.control.read_text()))
