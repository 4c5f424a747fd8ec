"""What every compute driver must do, whatever is under it.

A test class mixes this in and gives ``driver``, ``events`` (a list that on_event appends to),
``image`` (an ImageSpec) and ``image_bytes`` (a path), ``kill_from_outside`` and ``ready_text``.
"""

import hashlib
import shutil
from pathlib import Path

from mycloud.common import clock, concurrency, exceptions
from mycloud.compute.drivers.base import ComputeDriver, GuestEvent, GuestSpec, PowerState
from mycloud.disk.image_spec import ImageSpec

EVENT_SECONDS = 2.0


def wait_until(question, seconds, what):
    """Wait for ``question()`` to be true; fail with ``what`` after that many seconds."""
    deadline = clock.monotonic() + seconds
    while not question():
        if clock.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not so: {what}")
        concurrency.sleep(0.02)


class DriverCase:
    """What the contract's parts have in common; mixed into a testtools.TestCase."""

    driver: ComputeDriver
    events: list[GuestEvent]
    image: ImageSpec
    image_bytes: Path
    ready_text = "READY"
    boot_seconds = 5.0
    host = "host-of-test"

    def kill_from_outside(self, server_id: str) -> None:
        raise NotImplementedError

    def spec(self, **changes) -> GuestSpec:
        wanted = {
            "server_id": clock.new_id(),
            "name": "contract",
            "vcpus": 1,
            "memory_mb": 128,
            "root_gb": 1,
            "image": self.image,
            "config_files": {"openstack/latest/meta_data.json": b'{"uuid": "x"}'},
            "metadata": {"project_id": "p1", "user_id": "u1", "flavor": "tiny"},
        }
        return GuestSpec(**{**wanted, **changes})

    def fetch(self, path: Path) -> None:
        shutil.copyfile(self.image_bytes, path)

    def prepare(self, **changes) -> GuestSpec:
        spec = self.spec(**changes)
        self.addCleanup(self.driver.delete_disk, spec.server_id)
        self.addCleanup(self.driver.destroy, spec.server_id)
        if spec.image is not None:
            self.driver.ensure_image(spec.image, self.fetch)
        self.driver.create_disk(spec)
        return spec

    def boot(self, **changes) -> GuestSpec:
        spec = self.prepare(**changes)
        self.driver.spawn(spec)
        return spec

    def wait_ready(self, server_id: str, times: int = 1) -> None:
        wait_until(
            lambda: self.driver.console_log(server_id).count(self.ready_text) >= times,
            self.boot_seconds, f"{times} ready line(s) of {server_id}",
        )

    def wait_event(self, server_id: str) -> GuestEvent:
        wait_until(
            lambda: [e for e in self.events if e.server_id == server_id],
            EVENT_SECONDS, f"an event of {server_id}",
        )
        return [e for e in self.events if e.server_id == server_id][-1]


class ComputeDriverContract(DriverCase):
    """Hosts, images, disks, and the life of a guest."""

    # -- host ---------------------------------------------------------------

    def test_inventory_tells_what_the_host_has(self):
        has = self.driver.inventory()
        self.assertGreater(has.vcpus, 0)
        self.assertGreater(has.memory_mb, 0)
        self.assertGreater(has.disk_gb, 0)
        self.assertEqual(self.host, has.hypervisor_hostname)
        self.assertIsInstance(has.hypervisor_version, int)
        self.assertIn("virt_type", has.capabilities)
        self.assertIn("topology", has.cpu_info)
        self.assertIn("load average:", self.driver.uptime())

    # -- images -------------------------------------------------------------

    def test_image_is_fetched_once(self):
        image = self.image
        self.driver.ensure_image(image, self.fetch)
        self.assertTrue(self.driver.image_ready(image))

        def never(path):
            raise AssertionError("fetched again")

        self.driver.ensure_image(image, never)

    def test_image_with_wrong_checksum_is_refused_and_not_kept(self):
        liar = ImageSpec(clock.new_id(), "0" * 128, self.image.disk_format)
        self.assertRaises(
            exceptions.ImageRejected, self.driver.ensure_image, liar, self.fetch
        )
        self.assertFalse(self.driver.image_ready(liar))

    def test_image_of_another_format_than_declared_is_refused(self):
        other = "vmdk" if self.image.disk_format != "vmdk" else "qcow2"
        liar = ImageSpec(clock.new_id(), None, other)
        error = self.assertRaises(
            exceptions.ImageRejected, self.driver.ensure_image, liar, self.fetch
        )
        self.assertIn("declared", str(error))
        self.assertFalse(self.driver.image_ready(liar))

    def test_failed_fetch_leaves_nothing(self):
        class FetchFailed(Exception):
            pass

        def half(path):
            path.write_bytes(b"half")
            raise FetchFailed

        image = ImageSpec(clock.new_id(), None, self.image.disk_format)
        self.assertRaises(FetchFailed, self.driver.ensure_image, image, half)
        self.assertFalse(self.driver.image_ready(image))

    # -- disks --------------------------------------------------------------

    def test_disk_comes_and_goes_and_can_be_told(self):
        spec = self.prepare()
        self.assertTrue(self.driver.disk_ready(spec))
        self.assertIn(spec.server_id, self.driver.leftovers())
        self.assertTrue(self.driver.has_files(spec.server_id))
        self.driver.create_disk(spec)
        for _ in range(2):
            self.driver.delete_disk(spec.server_id)
            self.assertFalse(self.driver.disk_ready(spec))
            self.assertNotIn(spec.server_id, self.driver.leftovers())
            self.assertFalse(self.driver.has_files(spec.server_id))

    def test_disk_needs_the_image_in_the_cache(self):
        absent = ImageSpec(clock.new_id(), None, "raw")
        spec = self.spec(image=absent)
        self.assertRaises(exceptions.ImageRejected, self.driver.create_disk, spec)
        self.assertNotIn(spec.server_id, self.driver.leftovers())

    # -- figures ------------------------------------------------------------

    def test_figures(self):
        driver = self.driver
        self.assertEqual([], driver.statistics())
        spec = self.boot(vcpus=2)
        off = self.prepare()
        me = spec.server_id
        self.wait_ready(me)

        def spent():
            [found] = driver.statistics()
            return found.cpu_seconds

        before = spent()
        wait_until(lambda: spent() > before, 15, "the guest uses its processors")
        [found] = driver.statistics()
        self.assertEqual(
            (me, "contract", "p1", "running", 2, 128 << 20),
            (found.server_id, found.name, found.project_id, found.power_state, found.vcpus,
             found.memory_bytes),
        )
        self.assertEqual(2, len(found.vcpu_seconds))
        self.assertGreater(found.memory_resident_bytes, 0)
        root = next(disk for disk in found.disks if disk.device == "vda")
        self.assertIsNone(root.volume_id)
        self.assertEqual(1 << 30, root.capacity_bytes)
        shown = driver.diagnostics(me)
        self.assertEqual(
            ("running", 2, len(found.disks), 128, True),
            (shown["state"], shown["num_cpus"], shown["num_disks"],
             shown["memory_details"]["maximum"], shown["config_drive"]),
        )
        self.assertGreaterEqual(shown["cpu_details"][0]["time"], before * 0.1)
        self.assertLess(shown["uptime"], 600)
        self.assertIn("vda", [disk["device"] for disk in shown["disk_details"]])
        driver.power_off(me, 0)
        self.assertEqual([], driver.statistics())
        self.assertEqual("shutdown", driver.diagnostics(me)["state"])
        self.assertIsNone(driver.diagnostics(me)["uptime"])
        self.assertNotIn(off.server_id, [each.server_id for each in driver.statistics()])

    def test_versions(self):
        for name, version in self.driver.versions().items():
            self.assertRegex(version, r"^\d+\.\d+\.\d+$", name)

    # -- guests that are not there ------------------------------------------

    def test_unknown_guest(self):
        nobody = clock.new_id()
        self.assertIsNone(self.driver.guest(nobody))
        self.assertFalse(self.driver.spawned(nobody))
        self.assertEqual("", self.driver.console_log(nobody))
        self.driver.destroy(nobody)
        self.driver.delete_disk(nobody)
        for verb, args in (
            (self.driver.power_on, ()),
            (self.driver.power_off, (0,)),
            (self.driver.reboot, (True, 0)),
            (self.driver.diagnostics, ()),
        ):
            self.assertRaises(exceptions.GuestNotFound, verb, nobody, *args)

    def test_spawn_without_disk_fails(self):
        spec = self.spec()
        self.assertRaises(exceptions.GuestOperationFailed, self.driver.spawn, spec)
        self.assertIsNone(self.driver.guest(spec.server_id))

    # -- snapshots ----------------------------------------------------------

    def test_snapshots(self):
        driver = self.driver
        spec = self.boot()
        me = spec.server_id
        self.wait_ready(me)
        self.assertIsNone(driver.snapshot(me, "one"))
        for state in (PowerState.RUNNING, PowerState.SHUTDOWN):
            if state == PowerState.SHUTDOWN:
                driver.power_off(me, 0)
            for _ in range(2):
                made = driver.take_snapshot(me, "one")
            self.assertEqual(made, driver.snapshot(me, "one"))
            self.assertEqual(state, driver.guest(me).power_state)
            self.assert_boots(made)
            for _ in range(2):
                driver.drop_snapshot(me, "one")
            self.assertIsNone(driver.snapshot(me, "one"))
            self.assertFalse(made.path.exists())
        kept = driver.take_snapshot(me, "two")
        driver.destroy(me)
        driver.delete_disk(me)
        self.assertFalse(kept.path.exists())
        self.assertNotIn(me, driver.leftovers())
        self.assertRaises(exceptions.GuestNotFound, driver.take_snapshot, me, "three")

    def assert_boots(self, snapshot) -> None:
        """A snapshot is an image like any other, and a guest comes up from it."""
        content = snapshot.path.read_bytes()
        image = ImageSpec(
            clock.new_id(), hashlib.sha512(content).hexdigest(), snapshot.disk_format,
            len(content),
        )
        spec = self.spec(image=image)
        me = spec.server_id
        self.driver.ensure_image(image, lambda path: shutil.copyfile(snapshot.path, path))
        self.driver.create_disk(spec)
        try:
            self.driver.spawn(spec)
            self.wait_ready(me)
        finally:
            self.driver.destroy(me)
            self.driver.delete_disk(me)

    # -- the life of a guest ------------------------------------------------

    def test_life_of_a_guest(self):
        driver = self.driver
        spec = self.boot()
        me = spec.server_id
        self.assertTrue(driver.spawned(me))
        driver.spawn(spec)
        found = driver.guest(me)
        self.assertEqual((PowerState.RUNNING, 1, 128),
                         (found.power_state, found.vcpus, found.memory_mb))
        self.assertIn(found, driver.guests())
        self.wait_ready(me)
        self.assertEqual(1, driver.diagnostics(me)["num_cpus"])
        self.assertEqual(2, len(driver.console_log(me, 2).splitlines()))
        self.assertEqual("", driver.console_log(me, 0))

        driver.reboot(me, False, self.boot_seconds)
        self.wait_ready(me, 2)
        driver.power_off(me, self.boot_seconds)
        driver.power_off(me, 0)
        self.assertEqual(PowerState.SHUTDOWN, driver.guest(me).power_state)
        self.assertFalse(driver.spawned(me))
        driver.power_on(me)
        driver.power_on(me)
        self.wait_ready(me, 3)
        self.assertEqual([], [e for e in self.events if e.server_id == me])

        self.kill_from_outside(me)
        self.assertIn(
            self.wait_event(me).power_state, (PowerState.SHUTDOWN, PowerState.CRASHED)
        )
        driver.reboot(me, True, 0)
        self.assertTrue(driver.spawned(me))
        for _ in range(2):
            driver.destroy(me)
            self.assertIsNone(driver.guest(me))
        driver.delete_disk(me)
        self.assertNotIn(me, driver.leftovers())
