"""The fake backend keeps the contract, keeps its volumes, and fails when told to."""

import json
from pathlib import Path

import fixtures
import testtools

from mycloud.common import clock, concurrency, exceptions
from mycloud.common.faults import HANG, Fault
from mycloud.volume.drivers.base import BackendSettings, Source
from mycloud.volume.drivers.fake import FakeDriver
from mycloud.volume.drivers.loader import load
from tests.contract.compute_driver import wait_until
from tests.contract.volume_driver import VolumeDriverContract, new_name
from tests.fixtures import volume_child


class FakeVolumeDriverTest(VolumeDriverContract, testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.driver = self.start()

    def start(self, **options):
        driver = load("fake", BackendSettings("fake1", "fakes", self.root / "fake", options))
        self.assertIsInstance(driver, FakeDriver)
        driver.do_setup()
        driver.check_for_setup_error()
        self.addCleanup(driver.faults.close)
        return driver

    def half_make(self, volume):
        volume_child.killed_while_cloning("fake", self.driver.settings, volume)

    def foreign(self, data):
        path = self.driver.settings.state_dir / "volumes" / "theirs"
        path.write_bytes(data.ljust(4096, b"\0"))
        return {"source-name": "theirs"}

    def test_texts_travel_with_the_volume(self):
        name = self.made()
        self.assertEqual("", self.driver.read(name))
        self.driver.write(name, "first")
        snapshot = self.kept(name)
        self.driver.write(name, "2")
        self.assertEqual("2", self.driver.read(name))
        self.assertEqual("first", self.driver.read_snapshot(name, snapshot))
        copy, clone = self.fresh(), self.fresh()
        self.driver.create_from_snapshot(name, snapshot, copy, 1)
        self.driver.clone(name, clone, 1)
        self.assertEqual(["first", "2"], [self.driver.read(each) for each in (copy, clone)])
        self.driver.revert(name, snapshot)
        self.assertEqual("first", self.driver.read(name))
        image = Source(self.directory() / "image")
        self.driver.copy_out(clone, image)
        self.assertEqual(1 << 20, image.path.stat().st_size)
        self.driver.copy_in(name, image, 1 << 20)
        self.assertEqual("2", self.driver.read(name))

    def test_volumes_are_there_after_a_restart(self):
        name = self.made(3)
        self.driver.write(name, "kept")
        again = self.start()
        self.assertEqual([name], again.names())
        self.assertEqual(3, again.size_gb(name))
        self.assertEqual("kept", again.read(name))

    def test_capacity_is_what_the_option_says(self):
        self.driver = self.start(fake_capacity_gb=5)
        name = self.made(2)
        self.kept(name)
        pool = self.driver.pools()[0]
        self.assertEqual((5, 1, 4), (pool.total_gb, pool.free_gb, pool.provisioned_gb))
        for call in (
            lambda: self.driver.create(new_name(), 2),
            lambda: self.driver.extend(name, 4),
            lambda: self.driver.clone(name, new_name(), 2),
            lambda: self.driver.snapshot(name, new_name()),
        ):
            self.assertRaises(exceptions.BackendFull, call)
        self.driver.extend(name, 3)

    def test_fault_of_one_volume(self):
        one, two = self.made(), self.made()
        self.driver.faults.set(Fault("extend", subject=one, count=1))
        self.driver.extend(two, 2)
        error = self.assertRaises(exceptions.BackendFailed, self.driver.extend, one, 2)
        self.assertIn("fake1", str(error))
        self.driver.extend(one, 2)

    def test_fault_that_hangs(self):
        name = self.fresh()
        fault = self.driver.settings.state_dir / "fault"
        fault.write_text(json.dumps({"verb": "create", "mode": HANG, "subject": name}))
        task = concurrency.spawn(self.driver.create, name, 1)
        wait_until(lambda: '"hits": 1' in fault.read_text(), 5, "the call hangs")
        self.assertFalse(self.driver.exists(name))
        self.driver.faults.set()
        task.wait(5)
        self.assertTrue(self.driver.exists(name))

    def test_a_create_is_quick(self):
        self.made()
        started = clock.monotonic()
        for _ in range(50):
            self.made()
        self.assertLess((clock.monotonic() - started) / 50, 0.05)
