"""The config drive holds what it was given, under the names that it was given."""

import io
from pathlib import Path

import fixtures
import pycdlib
import testtools

from mycloud.compute import configdrive

FILES = {
    "openstack/latest/meta_data.json": b'{"uuid": "u"}',
    "openstack/2012-08-10/meta_data.json": b"{}",
    "openstack/latest/user_data": b"#!/bin/sh\n" * 1000,
    "openstack/content/0000": b"",
    "ec2/latest/meta-data.json": b"e",
}


class ConfigDriveTest(testtools.TestCase):
    def read(self, path):
        disk = pycdlib.PyCdlib()
        disk.open(str(path))
        self.addCleanup(disk.close)
        return disk

    def test_what_goes_in_is_there_by_both_names(self):
        path = Path(self.useFixture(fixtures.TempDir()).path, "disk.config")
        configdrive.write(path, FILES)
        disk = self.read(path)
        self.assertEqual("config-2", disk.pvd.volume_identifier.decode().strip())
        for name, content in FILES.items():
            for kind in ("rr_path", "joliet_path"):
                out = io.BytesIO()
                disk.get_file_from_iso_fp(out, **{kind: f"/{name}"})
                self.assertEqual(content, out.getvalue(), f"{kind} {name}")
        self.assertEqual([path], list(path.parent.iterdir()))

    def test_paths_that_lead_elsewhere_are_refused(self):
        for name in ("/etc/passwd", "../x", "a/../../x", ""):
            self.assertRaises(ValueError, configdrive.image, {name: b""})
