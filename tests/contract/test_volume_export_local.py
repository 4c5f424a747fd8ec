"""Volumes that a host sees itself."""

import subprocess
import sys
import unittest
from pathlib import Path

import fixtures
import testtools

from mycloud.common import clock, exceptions
from mycloud.disk import machine
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports.base import ExportSettings
from mycloud.volume.exports.local import LocalExporter
from mycloud.volume.exports.nfs import NfsExporter
from tests.contract.volume_export import VolumeExportContract


class LocalExportTest(VolumeExportContract, testtools.TestCase):
    pid_file = None

    def setUp(self):
        super().setUp()
        self.set_up()

    def make(self):
        return LocalExporter(ExportSettings(self.root / "local"))

    def connector(self, host="host-of-test"):
        return {"host": host, "machine": machine.mark()}

    def test_a_host_elsewhere_is_refused(self):
        for mark in (None, "", "x", 7, "a:b:c:d:e", machine.mark() + ":"):
            self.refused(clock.new_id(), self.raw(), connector={"host": "h", "machine": mark})
        self.refused(clock.new_id(), self.raw(), connector={"host": "h"})
        self.assertEqual([], self.exporter.keys())

    def test_it_can_not_copy(self):
        key = clock.new_id()
        self.ensure(key, self.raw())
        self.assertFalse(self.exporter.copy(key, self.raw("target.raw")))


class NfsExportTest(testtools.TestCase):
    def test_names_the_file_on_the_share(self):
        root = Path(self.useFixture(fixtures.TempDir()).path)
        options = {"share": "server:/volumes", "mount_point": str(root / "mount")}
        exporter = NfsExporter(ExportSettings(root / "nfs", options=options))
        key, connector = clock.new_id(), {"host": "h"}
        how = {"read_only": False, "shared": False}
        data = exporter.ensure(key, Source(root / "mount" / "a" / "b.raw"), connector, **how)
        self.assertEqual(
            {"share": "server:/volumes", "name": "a/b.raw", "format": "raw"}, data
        )
        self.assertTrue(exporter.alive(key))
        self.assertRaises(
            exceptions.ExportFailed, exporter.ensure, clock.new_id(), Source(root / "other"),
            connector, **how,
        )
        exporter.remove(key)
        self.assertEqual([], exporter.keys())


#: says its mark, and ends when its input does
_OTHER = """
import sys
from mycloud.disk import machine
print(machine.mark(), flush=True)
sys.stdin.read()
"""


class MarkTest(testtools.TestCase):
    """Whether another process sees a file."""

    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path).resolve()
        self.file = self.root / "volume"
        self.file.touch()

    def other(self, *prefix):
        process = subprocess.Popen(
            [*prefix, sys.executable, "-c", _OTHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        mark = process.stdout.readline().strip()
        if not mark:
            raise unittest.SkipTest("no mount namespaces here")
        return mark

    def unshared(self, command):
        return self.other("unshare", "--mount", "sh", "-ec", f'{command}\nexec "$@"', "sh")

    def test_itself_and_a_sibling(self):
        self.assertTrue(machine.sees(machine.mark(), self.file))
        self.assertTrue(machine.sees(self.other(), self.file))

    def test_a_sibling_with_a_mount_namespace_and_the_same_files(self):
        self.assertTrue(machine.sees(self.unshared("true"), self.file))
        self.assertFalse(machine.sees(self.unshared("true"), self.root / "missing"))

    def test_one_with_a_file_system_of_its_own(self):
        mark = self.unshared(
            f"mount -t tmpfs none {self.root}; touch {self.root}/volume"
        )
        self.assertFalse(machine.sees(mark, self.file))
        self.assertTrue(machine.sees(mark, Path("/etc/hostname").resolve()))

    def test_a_link_is_not_followed_into_our_view(self):
        real = self.root / "real"
        real.mkdir()
        (real / "volume").touch()
        link = self.root / "link"
        link.symlink_to(real)
        self.assertFalse(machine.sees(self.unshared("true"), link / "volume"))
        self.assertTrue(machine.sees(self.other(), link / "volume"))

    def test_one_that_has_ended(self):
        boot, _, root, mine, since = machine.mark().split(":")
        for pid, started in ((mine, "1"), ("99999999", since), ("self", since)):
            mark = ":".join((boot, "0-0", root, pid, started))
            self.assertFalse(machine.sees(mark, self.file))

    def test_another_boot(self):
        boot, *rest = machine.mark().split(":")
        other = ":".join((clock.new_id(), *rest))
        self.assertFalse(machine.sees(other, self.file))


if __name__ == "__main__":
    unittest.main()
