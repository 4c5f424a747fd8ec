"""A driver is found by its name; a wrong name tells the right ones."""

from pathlib import Path

import fixtures
import testtools

from mycloud.common import exceptions
from mycloud.compute.drivers.base import DriverSettings
from mycloud.compute.drivers.fake import FakeDriver
from mycloud.compute.drivers.loader import load


class LoaderTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.settings = DriverSettings(Path(self.useFixture(fixtures.TempDir()).path))

    def test_by_name(self):
        self.assertIsInstance(load("fake", self.settings), FakeDriver)

    def test_wrong_name(self):
        error = self.assertRaises(
            exceptions.DriverNotFound, load, "hyperv", self.settings
        )
        for word in ("hyperv", "fake", "libvirt"):
            self.assertIn(word, str(error))
