"""What every compute driver must do with volumes.

Beside what ``DriverCase`` asks for, a test class gives ``volume``: a VolumeDisk whose connection
can be connected to, of a volume of ``MIB`` MiB.
"""

import dataclasses
from pathlib import Path

import fixtures

from mycloud.common import clock, exceptions
from mycloud.compute.drivers.base import BlankDisk, PowerState, VolumeDisk
from tests.contract.compute_driver import DriverCase

MIB = 16
DETACH_SECONDS = 20.0


class VolumesContract(DriverCase):
    """Mixed into a testtools.TestCase."""

    def volume(self, device: str, **changes) -> VolumeDisk:
        raise NotImplementedError

    def same_elsewhere(self, disk: VolumeDisk) -> VolumeDisk:
        """The same volume by another connection."""
        return dataclasses.replace(
            self.volume(disk.device), volume_id=disk.volume_id,
        )

    def assert_has(self, server_id: str, disk: VolumeDisk, *, live: bool) -> None:
        self.assertTrue(self.driver.has_volume(server_id, disk.volume_id))
        state = self.driver.volumes(server_id)[disk.volume_id]
        self.assertEqual((disk.device, live, True), (state.device, state.live, state.persistent))
        self.assertIn(disk.connection["driver_volume_type"], state.source)

    def test_connector_tells_the_host(self):
        found = self.driver.connector()
        self.assertEqual(self.host, found["host"])
        self.assertRegex(found["initiator"], r"^iqn\.\d{4}-\d\d\.[a-z0-9.-]+:[a-z0-9.-]+$")
        self.assertFalse(found["multipath"])
        self.assertIsNone(found["certificate_subject"])
        self.assertEqual(found, self.driver.connector())
        for name in ("ip", "machine", "os_type", "platform"):
            self.assertTrue(found[name], name)

    def test_volume_of_a_guest_that_is_not_there(self):
        nobody, disk = clock.new_id(), self.volume("vdb")
        driver = self.driver
        self.assertFalse(driver.has_volume(nobody, disk.volume_id))
        self.assertEqual({}, driver.volumes(nobody))
        self.assertFalse(driver.swapped(nobody, disk))
        self.assertFalse(driver.io_error(nobody))
        self.assertTrue(driver.can_extend(nobody, disk.volume_id))
        driver.detach_volume(nobody, disk.volume_id, 1)
        driver.abort_swap(nobody, disk.volume_id)
        driver.disconnect_volume(disk.connection)
        for verb, args in (
            (driver.attach_volume, (disk,)),
            (driver.extend_volume, (disk.volume_id, 1 << 30)),
            (driver.copy_volume, (disk.volume_id, Path("/nowhere"), "raw")),
            (driver.swap_volume, (disk.volume_id, disk)),
            (driver.resume_after_io_error, ()),
        ):
            self.assertRaises(exceptions.GuestNotFound, verb, nobody, *args)

    def test_life_of_a_volume(self):
        driver = self.driver
        me = self.boot().server_id
        self.wait_ready(me)
        disk, other = self.volume("vdb"), self.volume("vdc")
        self.assertEqual({}, driver.volumes(me))
        for _ in range(2):
            driver.attach_volume(me, disk)
            self.assert_has(me, disk, live=True)
        driver.attach_volume(me, other)
        [figures] = driver.statistics()
        self.assertLessEqual(
            {disk.volume_id, other.volume_id}, {each.volume_id for each in figures.disks}
        )
        self.assertFalse(driver.swapped(me, self.same_elsewhere(disk)))
        self.assertTrue(driver.swapped(me, disk))

        # it is there as long as the guest is defined, and can be connected anew
        driver.power_off(me, 0)
        self.assert_has(me, disk, live=False)
        moved = self.same_elsewhere(disk)
        driver.power_on(me, volumes=[moved])
        self.assert_has(me, disk, live=True)
        self.assertTrue(driver.swapped(me, moved))
        self.assert_has(me, other, live=True)
        driver.reboot(me, True, 0, volumes=[disk])
        self.assertTrue(driver.swapped(me, disk))
        self.wait_ready(me, 2)

        for _ in range(2):
            driver.detach_volume(me, disk.volume_id, DETACH_SECONDS)
            self.assertFalse(driver.has_volume(me, disk.volume_id))
            driver.disconnect_volume(disk.connection)
        self.assertEqual([other.volume_id], list(driver.volumes(me)))

        # of a guest that is off
        driver.power_off(me, 0)
        driver.attach_volume(me, disk)
        self.assert_has(me, disk, live=False)
        driver.detach_volume(me, other.volume_id, 0)
        self.assertEqual([disk.volume_id], list(driver.volumes(me)))
        driver.power_on(me)
        self.assert_has(me, disk, live=True)
        self.assertEqual([], [e for e in self.events if e.server_id == me])

    def test_volumes_from_the_start(self):
        driver = self.driver
        data = self.volume("vdb")
        spec = self.boot(
            volumes=(self.boot_volume(), data), image=None, config_files=None,
            blank_disks=(BlankDisk(32, device="vdc"), BlankDisk(32, "swap")),
        )
        me = spec.server_id
        self.assertFalse(spec.has_root_disk)
        self.wait_ready(me)
        self.assert_has(me, spec.volumes[0], live=True)
        self.assert_has(me, data, live=True)
        driver.spawn(spec)
        self.assertEqual(PowerState.RUNNING, driver.guest(me).power_state)
        driver.destroy(me)
        self.assertEqual({}, driver.volumes(me))

    def boot_volume(self) -> VolumeDisk:
        return self.volume("vda", boot_index=0)

    def test_extend_copy_and_swap(self):
        driver = self.driver
        me = self.boot().server_id
        self.wait_ready(me)
        disk, stranger = self.volume("vdb"), self.volume("vdc")
        driver.attach_volume(me, disk)
        self.grow(disk)
        self.assertTrue(driver.can_extend(me, disk.volume_id))
        driver.extend_volume(me, disk.volume_id, 2 * MIB << 20)
        target = Path(self.useFixture(fixtures.TempDir()).path) / "copy"
        for _ in range(2):
            copy = driver.copy_volume(me, disk.volume_id, target, "raw")
        self.assertEqual(copy.size_bytes, target.stat().st_size)
        self.assertFalse(copy.quiesced)
        new = self.volume("vdb", size_mb=2 * MIB)
        self.assertFalse(driver.swapped(me, new))
        for _ in range(2):
            driver.swap_volume(me, disk.volume_id, new)
            self.assertTrue(driver.swapped(me, new))
            self.assertEqual([new.volume_id], list(driver.volumes(me)))
            self.assert_has(me, new, live=True)
        driver.abort_swap(me, new.volume_id)
        driver.reboot(me, True, 0)
        self.assert_has(me, new, live=True)
        for verb, args in (
            (driver.extend_volume, (1 << 30,)),
            (driver.copy_volume, (target, "raw")),
            (driver.swap_volume, (stranger,)),
        ):
            self.assertRaises(
                exceptions.VolumeNotInGuest, verb, me, stranger.volume_id, *args
            )
        driver.detach_volume(me, new.volume_id, DETACH_SECONDS)
        self.assertEqual({}, driver.volumes(me))

    def test_another_place_of_the_same_volume(self):
        driver = self.driver
        me = self.boot().server_id
        self.wait_ready(me)
        disk = self.volume("vdb")
        driver.attach_volume(me, disk)
        new = self.same_elsewhere(disk)
        self.assertEqual((True, False), (driver.uses(me, disk), driver.uses(me, new)))
        for _ in range(2):
            driver.swap_volume(me, disk.volume_id, new, only_live=True)
            self.assertEqual((False, True), (driver.uses(me, disk), driver.uses(me, new)))
        self.assertTrue(driver.swapped(me, new))
        self.assert_has(me, disk, live=True)
        driver.tune_volume(me, disk.volume_id, {"total_iops_sec": 100})
        driver.tune_volume(me, disk.volume_id, {})
        self.assertRaises(
            exceptions.VolumeNotInGuest, driver.tune_volume, me, clock.new_id(), {}
        )
        # what a guest that is off has is not copied
        driver.power_off(me, 0)
        self.assertTrue(driver.uses(me, new))
        self.assertRaises(
            exceptions.GuestOperationFailed, driver.swap_volume, me, disk.volume_id, disk,
            only_live=True,
        )
        self.assertTrue(driver.uses(me, new))
        self.assertFalse(driver.uses(clock.new_id(), new))

    def grow(self, disk: VolumeDisk) -> None:
        """Let the volume itself become twice as big."""
