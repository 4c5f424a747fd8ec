"""A real guest writes to its volumes while parts of the cloud are killed: it loses nothing.

The cloud is what ``mycloud up`` makes; all tests of a class share it and its guest.
"""

import os
import signal
import unittest

import testtools

from mycloud.common import clock
from tests.fixtures import guest_cloud
from tests.fixtures.guest_cloud import SOON, GuestCloud
from tests.fixtures.program import wait_for

_BACKENDS = {
    "nbd": "export_protocol = nbd",
    "iscsi": "export_protocol = iscsi",
}

#: from the death of an export to a server that is active again, on a busy machine
_BACK_SECONDS = 15


@guest_cloud.needs_guests
class VolumeFaultsTest(testtools.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cloud = GuestCloud(_BACKENDS)
        cls.cloud.setUp()
        cls.addClassCleanup(cls.cloud.cleanUp)
        cls.guest = cls.cloud.boot("writer")

    def took(self, what, since):
        """Tell it if the test fails; give the seconds."""
        seconds = clock.monotonic() - since
        self.addDetail(what, testtools.content.text_content(f"{seconds:.1f} s"))
        return seconds

    def attached(self, kind):
        volume = self.cloud.volume(kind)
        self.addCleanup(self.cloud.remove, volume.id)
        device = self.guest.attach(volume.id)
        self.addCleanup(self.guest.detach, volume.id)
        return volume.id, device

    def writing(self, device):
        writing = self.guest.begin_to_write(device)
        self.addCleanup(writing.end)
        writing.goes_on(5)
        return writing

    def assert_nothing_lost(self, writing, volume_id):
        writing.end()
        self.assertFalse(writing.failed())
        self.assertEqual([], writing.lost(self.cloud.file(volume_id)))
        self.assertEqual("", self.guest.shell.run("dmesg | grep 'I/O error' || true"))
        self.assertEqual("ACTIVE", self.guest.status())

    # -- something is killed -------------------------------------------------------------------

    def cloud_is_killed(self, kind):
        volume_id, device = self.attached(kind)
        writing = self.writing(device)
        self.cloud.kill()
        writing.goes_on()
        self.cloud.up()
        writing.goes_on()
        self.assert_nothing_lost(writing, volume_id)
        self.assertEqual([], self.cloud.findings())

    def test_cloud_is_killed_file(self):
        self.cloud_is_killed("local")

    def test_cloud_is_killed_nbd(self):
        self.cloud_is_killed("nbd")

    def test_cloud_is_killed_iscsi(self):
        self.cloud_is_killed("iscsi")

    def export_is_killed(self, kind):
        volume_id, device = self.attached(kind)
        writing = self.writing(device)
        pid = self.cloud.export_pid(volume_id)
        os.kill(pid, signal.SIGKILL)
        killed = clock.monotonic()
        wait_for(
            lambda: self.cloud.export_pid(volume_id) not in (None, pid), "it is there again", SOON
        )
        writing.goes_on(1)
        self.took("the guest goes on", killed)
        wait_for(lambda: self.guest.status() == "ACTIVE", "the server is active", SOON)
        self.assertLess(self.took("the server is active", killed), _BACK_SECONDS)
        writing.goes_on()
        self.assert_nothing_lost(writing, volume_id)

    def test_export_is_killed_nbd(self):
        self.export_is_killed("nbd")

    def test_export_is_killed_iscsi(self):
        self.export_is_killed("iscsi")


if __name__ == "__main__":
    unittest.main()
