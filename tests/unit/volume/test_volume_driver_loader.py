"""A backend's driver is found by its name; a wrong name tells the right ones."""

from pathlib import Path

import fixtures
import testtools

from mycloud.common import exceptions
from mycloud.volume.drivers.base import BackendSettings
from mycloud.volume.drivers.fake import FakeDriver
from mycloud.volume.drivers.loader import load


class LoaderTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        state = Path(self.useFixture(fixtures.TempDir()).path)
        self.settings = BackendSettings("first", "first", state)

    def test_by_name(self):
        self.assertIsInstance(load("fake", self.settings), FakeDriver)

    def test_wrong_name(self):
        error = self.assertRaises(exceptions.DriverNotFound, load, "floppy", self.settings)
        for word in ("first.volume_driver", "floppy", "fake", "file", "nfs"):
            self.assertIn(word, str(error))
