"""Thin volumes in a real pool."""

import os
import unittest

from mycloud.common import exceptions
from mycloud.volume.drivers.base import GIB
from tests.contract.volume_driver import new_name, peek, poke
from tests.guest.lvm_base import DISKS, MIB, LvmContract
from tests.guest.root import run

DISK, SMALL, TINY = DISKS


class ThinTest(LvmContract, unittest.TestCase):
    disk, lvm_type = DISK, "thin"
    killed_in_create = "lvm_create_thin"
    removable = "segtype=thin"

    def small_driver(self):
        # what has not been written takes no room: it is the promise that is limited
        return self.driver_on(
            self.group(SMALL), lvm_type="thin", max_over_subscription_ratio=1
        )

    def make_foreign(self, name):
        run(
            "lvcreate", "--yes", "-W", "n", "-V", "1500m", "--thinpool",
            f"{self.main_group}-pool", "-n", name, self.main_group,
        )

    def used(self, driver=None):
        """MiB that are taken in the pool."""
        [pool] = (driver or self.driver).pools()
        return (pool.total_gb - pool.free_gb) * 1024

    def test_pools(self):
        [pool] = self.driver.pools()
        self.assertTrue(pool.thin)
        self.assertEqual({"lvm_type": "thin"}, pool.capabilities)

    def test_copies_take_no_room(self):
        before = self.used()
        name = self.made(2, b"x" * 32 * MIB)
        taken = self.used()
        self.assertAlmostEqual(32, taken - before, delta=16)
        copy, other = self.fresh(), self.fresh()
        snapshot = self.kept(name)
        self.driver.clone(name, copy, 2)
        self.driver.create_from_snapshot(name, snapshot, other, 3)
        self.assertAlmostEqual(taken, self.used(), delta=16)
        for each in (copy, other):
            self.driver.delete(each)
        self.driver.delete_snapshot(name, snapshot)
        self.driver.delete(name)
        self.assertAlmostEqual(before, self.used(), delta=16)

    def test_an_image_keeps_its_holes(self):
        name = self.made()
        image = self.image("raw", b"image", 600 * MIB)
        with image.path.open("r+b") as file:
            file.seek(500 * MIB)
            file.write(os.urandom(MIB))
        before = self.used()
        for _ in range(2):
            # the second time what was there is given back
            self.driver.copy_in(name, image, 600 * MIB)
            self.assertAlmostEqual(before, self.used(), delta=20)
            poke(self.driver.source(name), 700 * MIB, b"y" * 64 * MIB)
            self.assertAlmostEqual(before + 64, self.used(), delta=20)

    def test_a_volume_goes_before_its_snapshots_and_copies(self):
        name = self.made(1, b"data")
        snapshot, copy = self.kept(name), self.fresh()
        self.driver.clone(name, copy, 1)
        self.driver.delete(name)
        self.assertEqual(b"data", peek(self.driver.snapshot_source(name, snapshot), 0, 4))
        self.assertEqual(b"data", self.head(copy))

    def test_a_pool_promises_so_much_and_no_more(self):
        driver = self.driver_on(
            self.group(SMALL), lvm_type="thin", max_over_subscription_ratio=3
        )
        [pool] = driver.pools()
        room = int(pool.total_gb * 3)
        for _ in range(room):
            driver.create(new_name(), 1)
        with self.refused(exceptions.BackendFull):
            driver.create(new_name(), 1)
        with self.refused(exceptions.BackendFull):
            driver.extend(driver.names()[0], 2)
        self.assertEqual(room, len(driver.names()))

    def test_a_pool_that_is_full(self):
        driver = self.driver_on(self.group(TINY), lvm_type="thin")
        kept, name = new_name(), new_name()
        driver.create(kept, 1)
        poke(driver.source(kept), 0, b"kept" * 1024)
        driver.create(name, 1)
        before = self.used(driver)
        size = 160 * MIB
        image = self.image("raw", b"", size)
        with image.path.open("r+b") as file:
            for _ in range(size // MIB):
                file.write(b"z" * MIB)
        with self.refused(exceptions.BackendFull):
            driver.copy_in(name, image, size)
        self.assertAlmostEqual(before, self.used(driver), delta=8)
        self.assertEqual(b"kept", peek(driver.source(kept), 0, 4))
        driver.delete(name)
        driver.create(name, 1)
        self.assertEqual(bytes(MIB), peek(driver.source(name), 0, MIB))

    def test_a_volume_that_was_half_reverted(self):
        name = self.made(1, b"first")
        snapshot = self.kept(name)
        for moment, found in ((f"old-volume-{name}", b"other"), ("lvm_remove", b"first")):
            with self.subTest(moment):
                poke(self.driver.source(name), 0, b"other")
                self.in_a_child(moment, "revert", name, snapshot)
                self.driver.clean_temporary()
                self.assertEqual(found, self.head(name, 5))
                self.driver.revert(name, snapshot)
                self.assertEqual(b"first", self.head(name, 5))
                self.assertEqual([], self.driver.clean_temporary())

    def test_a_volume_that_was_put_away_comes_back(self):
        name = self.made(1, b"first")
        group = self.main_group
        # killed between the two renames, before and after what was new is whole
        run("lvrename", group, f"volume-{name}", f"old-volume-{name}")
        self.assertFalse(self.driver.exists(name))
        self.assertEqual([], self.driver.clean_temporary())
        self.assertEqual(b"first", self.head(name, 5))
        fresh = new_name()
        self.driver.clone(name, fresh, 1)
        poke(self.driver.source(fresh), 0, b"newer")
        run("lvrename", group, f"volume-{name}", f"old-volume-{name}")
        run("lvrename", group, f"volume-{fresh}", f"temp-volume-{name}")
        self.driver.delete(new_name())
        self.assertEqual(b"newer", self.head(name, 5))
        self.assertEqual([], self.driver.clean_temporary())

    def test_extend_while_it_is_used(self):
        name = self.made(1, b"data")
        snapshot = self.kept(name)
        with open(self.driver.source(name).path, "rb") as file:
            self.driver.extend(name, 2)
            self.assertEqual(2 * GIB, file.seek(0, os.SEEK_END))
        self.driver.revert(name, snapshot)
        self.assertEqual(2, self.driver.size_gb(name))
