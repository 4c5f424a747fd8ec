"""The fake driver keeps the contract, keeps its state, and fails when told to."""

import hashlib
import json
from pathlib import Path

import fixtures
import testtools

from mycloud.common import clock, concurrency, exceptions
from mycloud.common.faults import HANG, Fault
from mycloud.compute.drivers.base import DriverSettings, PowerState, VolumeDisk
from mycloud.compute.drivers.fake import FakeDriver
from mycloud.disk.image_spec import ImageSpec
from tests.contract.compute_driver import ComputeDriverContract, wait_until
from tests.contract.compute_driver_volumes import VolumesContract


class FakeDriverTest(ComputeDriverContract, VolumesContract, testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.image_bytes = self.root / "image.raw"
        self.image_bytes.write_bytes(b"\0" * 4096)
        digest = hashlib.sha512(self.image_bytes.read_bytes()).hexdigest()
        self.image = ImageSpec(clock.new_id(), digest, "raw", 4096)
        self.events = []
        self.driver = self.start()

    def start(self):
        driver = FakeDriver(DriverSettings(self.root / "fake"))
        driver.init_host(self.host, self.events.append)
        self.addCleanup(driver.close)
        return driver

    def kill_from_outside(self, server_id):
        self.driver.kill_guest(server_id)

    def volume(self, device, *, size_mb=0, kind="fake", **changes):
        volume_id = clock.new_id()
        connection = {
            "driver_volume_type": kind, "volume_id": volume_id,
            "data": {"export": f"secret-{volume_id}"},
        }
        return VolumeDisk(volume_id, connection, device, **changes)

    def test_guest_that_holds_its_volumes(self):
        me, disk = self.boot().server_id, self.volume("vdb")
        self.driver.attach_volume(me, disk)
        self.driver.hold_volumes(me, hold=True)
        error = self.assertRaises(
            exceptions.DetachTimedOut, self.driver.detach_volume, me, disk.volume_id, 3
        )
        self.assertIn("within 3 s", str(error))
        self.assertTrue(self.driver.has_volume(me, disk.volume_id))
        self.driver.power_off(me, 0)
        self.driver.detach_volume(me, disk.volume_id, 3)
        self.assertFalse(self.driver.has_volume(me, disk.volume_id))

    def test_disk_that_breaks_and_is_mended(self):
        me = self.boot().server_id
        self.driver.break_disk(me)
        event = self.wait_event(me)
        self.assertEqual((PowerState.PAUSED, True), (event.power_state, event.io_error))
        self.assertFalse(self.driver.resume_after_io_error(me))
        self.assertTrue(self.driver.io_error(me))
        self.driver.mend_disk(me)
        self.assertTrue(self.driver.resume_after_io_error(me))
        self.assertFalse(self.driver.io_error(me))
        self.assertTrue(self.driver.spawned(me))

    def test_what_does_not_grow_online_is_refused(self):
        me, disk = self.boot().server_id, self.volume("vdb", kind="nbd")
        self.driver.attach_volume(me, disk)
        self.assertFalse(self.driver.can_extend(me, disk.volume_id))
        error = self.assertRaises(
            exceptions.OnlineExtendUnsupported,
            self.driver.extend_volume, me, disk.volume_id, 1 << 30,
        )
        self.assertIn("nbd", str(error))
        self.driver.power_off(me, 0)
        self.driver.extend_volume(me, disk.volume_id, 1 << 30)

    def test_no_secret_of_a_connection_is_written_down(self):
        me, disk = self.boot().server_id, self.volume("vdb", secret=b"the passphrase")
        self.driver.attach_volume(me, disk)
        for path in (self.root / "fake").rglob("*.json"):
            self.assertNotIn("the passphrase", path.read_text())
            self.assertNotIn("secret-", path.read_text())
        self.assertNotIn("the passphrase", repr(disk))

    def test_guests_are_there_after_a_restart(self):
        spec = self.boot()
        self.driver.close()
        again = self.start()
        self.assertEqual(PowerState.RUNNING, again.guest(spec.server_id).power_state)
        self.assertTrue(again.disk_ready(spec))
        self.assertTrue(again.image_ready(self.image))

    def test_a_half_written_file_is_never_seen(self):
        spec = self.boot()
        (self.root / "fake" / "guests" / f".{spec.server_id}.killed").write_text('{"na')
        self.assertEqual([spec.server_id], [g.server_id for g in self.start().guests()])

    def test_fault_fails_as_often_as_told(self):
        spec = self.prepare()
        self.driver.faults.set(Fault("spawn", count=2))
        for _ in range(2):
            self.assertRaises(exceptions.GuestOperationFailed, self.driver.spawn, spec)
        self.driver.spawn(spec)
        self.assertTrue(self.driver.spawned(spec.server_id))

    def test_fault_count_survives_a_restart(self):
        spec = self.prepare()
        (self.root / "fake" / "fault").write_text(
            json.dumps({"verb": "spawn", "mode": "fail", "count": 1})
        )
        self.assertRaises(exceptions.GuestOperationFailed, self.driver.spawn, spec)
        self.start().spawn(spec)

    def test_fault_file_may_say_server_id(self):
        one, two = self.prepare(), self.prepare()
        (self.root / "fake" / "fault").write_text(
            json.dumps([{"verb": "spawn", "server_id": one.server_id}])
        )
        self.driver.spawn(two)
        self.assertRaises(exceptions.GuestOperationFailed, self.driver.spawn, one)

    def test_fault_of_one_server_leaves_the_others_alone(self):
        one, two = self.prepare(), self.prepare()
        self.driver.faults.set(Fault("spawn", subject=one.server_id))
        self.driver.spawn(two)
        self.assertRaises(exceptions.GuestOperationFailed, self.driver.spawn, one)

    def test_hang_lasts_until_the_fault_is_taken_away(self):
        spec = self.prepare()
        self.driver.faults.set(Fault("spawn", mode=HANG))
        task = concurrency.spawn(self.driver.spawn, spec)
        fault = self.root / "fake" / "fault"
        wait_until(lambda: '"hits": 1' in fault.read_text(), 5, "the call hangs")
        self.assertFalse(task.done)
        self.assertFalse(self.driver.spawned(spec.server_id))
        self.driver.faults.set()
        task.wait(5)
        self.assertTrue(self.driver.spawned(spec.server_id))

    def test_close_ends_a_hanging_call(self):
        self.driver.faults.set(Fault("guests", mode=HANG))
        task = concurrency.spawn(self.driver.guests)
        fault = self.root / "fake" / "fault"
        wait_until(lambda: '"hits": 1' in fault.read_text(), 5, "the call hangs")
        self.driver.close()
        self.assertRaises(exceptions.GuestOperationFailed, task.wait, 5)

    def test_image_larger_than_the_flavor_is_refused(self):
        big = self.root / "big.raw"
        with big.open("wb") as file:
            file.truncate((2 << 30) + 512)
        image = ImageSpec(clock.new_id(), None, "raw")
        self.driver.ensure_image(image, lambda path: big.rename(path))
        spec = self.spec(image=image, root_gb=2)
        error = self.assertRaises(exceptions.ImageRejected, self.driver.create_disk, spec)
        self.assertIn("at least 3 GiB", str(error))
        self.driver.create_disk(self.spec(image=image, root_gb=0))

    def test_names_that_are_paths_are_refused(self):
        self.assertRaises(ValueError, self.driver.guest, "../../etc/passwd")

    def test_free_disk_shrinks_with_the_guests(self):
        before = self.driver.inventory().free_disk_gb
        self.prepare(root_gb=7)
        self.assertEqual(before - 7, self.driver.inventory().free_disk_gb)
