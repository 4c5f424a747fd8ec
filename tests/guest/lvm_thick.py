"""Thick volumes, and how a backend chooses between thick and thin, on a real volume group."""

import subprocess
import unittest

from mycloud.common import exceptions
from mycloud.privileged import client
from mycloud.volume.drivers.base import GIB
from mycloud.volume.drivers.lvm.commands import Lvm
from tests.contract.volume_driver import new_name, peek, poke
from tests.guest.lvm_base import DISKS, MIB, LvmContract, VolumeGroups, tool
from tests.guest.root import run

DISK, SMALL, TINY = DISKS


class ThickTest(LvmContract, unittest.TestCase):
    disk, lvm_type = DISK, "default"
    killed_in_create = "blkdiscard"
    # with a volume go its snapshots
    removable = "origin=\"\""

    def small_driver(self):
        # room for one volume and a bit
        return self.driver_on(self.group(SMALL), lvm_type="default")

    def make_foreign(self, name):
        run("lvcreate", "--yes", "-W", "n", "-L", "1500m", "-n", name, self.main_group)

    def places(self, name):
        return run(
            "lvs", "--noheadings", "-o", "seg_pe_ranges", f"{self.main_group}/volume-{name}"
        ).split()

    def disk_has(self, secret, places):
        """Whether a piece of a volume that is gone is on the disk still, at its beginning."""
        [place] = places
        first = int(place.split(":")[1].split("-")[0])
        start = int(float(run(
            "pvs", "--noheadings", "--units", "b", "--nosuffix", "-o", "pe_start", DISK
        )))
        # what was read before is kept, while a volume is on the disk, and would be read again
        run("blockdev", "--flushbufs", DISK)
        found = client.call.test_read(DISK, start + first * 4 * MIB, MIB // 4)
        return secret in bytes.fromhex(found)

    def test_pools(self):
        [pool] = self.driver.pools()
        self.assertFalse(pool.thin)
        self.assertEqual({"lvm_type": "default"}, pool.capabilities)

    def test_what_is_deleted_is_cleared_unless_told_otherwise(self):
        for clear, left in (("none", True), ("zero", False)):
            driver = self.driver_on(self.main_group, lvm_type="default", volume_clear=clear)
            name = new_name()
            driver.create(name, 1)
            poke(driver.source(name), 0, b"secret" * 1000)
            where = self.places(name)
            driver.delete(name)
            subprocess.run(["sync"], check=True)
            self.assertEqual(left, self.disk_has(b"secret", where), clear)
        # what the first has left there was not read by the second
        name = self.made()
        self.assertEqual(bytes(MIB), self.head(name, MIB))

    def test_what_a_snapshot_has_kept_is_cleared(self):
        name = self.made(1, b"secret" * 1000)
        snapshot = self.kept(name)
        poke(self.driver.source(name), 0, b"other!" * 1000)
        [where] = run(
            "lvs", "--noheadings", "-o", "seg_pe_ranges", f"{self.main_group}/snap-{snapshot}"
        ).split()
        self.assertTrue(self.disk_has(b"secret", [where]))
        self.driver.delete_snapshot(name, snapshot)
        self.assertFalse(self.disk_has(b"secret", [where]))
        self.assertEqual(b"other!", self.head(name, 6))

    def test_a_snapshot_that_was_half_deleted(self):
        name = self.made(1, b"data")
        for moment in ("lvm_split", "blkdiscard"):
            with self.subTest(moment):
                snapshot = self.kept(name)
                self.in_a_child(moment, "delete_snapshot", name, snapshot)
                self.assertFalse(self.driver.snapshot_exists(name, snapshot))
                self.assertNotIn(snapshot, self.driver.snapshot_names())
                self.driver.delete_snapshot(name, snapshot)
                self.assertNotIn(f"snap-{snapshot}", self.logical_volumes())
        self.assertEqual(b"data", self.head(name))

    def test_a_snapshot_has_room_for_all_of_its_volume(self):
        lvm = Lvm(self.main_group)
        name, snapshot = f"x{new_name()}", f"y{new_name()}"
        lvm.create(name, 32 * MIB, [])
        tool("dd", "if=/dev/urandom", f"of={lvm.device(name)}", "bs=1M", "count=32", "conv=fsync")
        before = lvm.device(name).read_bytes()
        lvm.snapshot(name, 32 * MIB, snapshot, [])
        tool("dd", "if=/dev/urandom", f"of={lvm.device(name)}", "bs=1M", "count=32", "conv=fsync")
        self.assertEqual(before, lvm.device(snapshot).read_bytes())
        found = lvm.logical_volume(snapshot)
        self.assertEqual(32 * MIB, found.size)
        self.assertGreater(found.used, 0.85)

    def test_a_volume_with_snapshots(self):
        name = self.made(1, b"data")
        snapshot = self.kept(name)
        with self.refused(exceptions.BackendFailed):
            self.driver.delete(name)
        with open(self.driver.source(name).path, "rb"):
            with self.refused(exceptions.BackendFailed):
                self.driver.extend(name, 2)
            self.assertEqual(1, self.driver.size_gb(name))
        self.driver.extend(name, 2)
        self.assertEqual(bytes(MIB), self.head(name, MIB, GIB))
        self.assertEqual(b"data", peek(self.driver.snapshot_source(name, snapshot), 0, 4))

    def test_a_volume_that_was_half_extended_shows_nothing_of_others(self):
        name = self.made(1, b"data")
        other = self.made(1)
        poke(self.driver.source(other), 0, b"secret" * 1000)
        driver = self.driver_on(self.main_group, lvm_type="default", volume_clear="none")
        driver.delete(other)
        self.in_a_child("blkdiscard", "extend", name, 2)
        self.assertEqual(2, self.driver.size_gb(name))
        self.assertEqual(bytes(MIB), self.head(name, MIB, GIB))
        self.assertEqual(b"data", self.head(name))
        poke(self.driver.source(name), GIB, b"later")
        self.driver.extend(name, 2)
        self.assertEqual(b"later", self.head(name, 5, GIB))

    def test_a_new_volume_gets_an_image_with_its_holes(self):
        name = self.made()
        # nobody has had it: what is zero need not be written
        self.driver.delete(name)
        self.driver.create(name, 1)
        image = self.image("raw", b"image", 512 * MIB)
        self.driver.copy_in(name, image, 512 * MIB)
        self.assertEqual(b"image\0", self.head(name, 6))


class ChoiceTest(VolumeGroups, unittest.TestCase):
    def kind(self, group, **options):
        [pool] = self.driver_on(group, **options).pools()
        return pool.capabilities["lvm_type"]

    def test_auto(self):
        group = self.group(SMALL)
        # empty: thin, and a pool is made
        self.assertEqual("thin", self.kind(group))
        pool = Lvm(group).logical_volume(f"{group}-pool")
        self.assertEqual(("thin-pool", True), (pool.kind, pool.zeroing))
        # the pool is there, and something else too
        run("lvcreate", "--yes", "-L", "4m", "-n", "theirs", group)
        self.assertEqual("thin", self.kind(group, lvm_type="auto"))
        self.assertEqual("default", self.kind(group, lvm_type="default"))
        # no pool, and not empty
        run("lvremove", "--yes", "--force", f"{group}/{group}-pool")
        self.assertEqual("default", self.kind(group, lvm_type="auto"))
        # that pool has another name
        self.assertEqual("thin", self.kind(group, lvm_type="thin", lvm_pool_name="other"))
        self.assertEqual("thin", self.kind(group, lvm_type="auto", lvm_pool_name="other"))

    def test_a_group_that_is_not_there(self):
        with self.assertRaises(exceptions.VolumeGroupNotFound) as caught:
            self.driver_on("no-such-group")
        self.assertIn("no volume group no-such-group", str(caught.exception))

    def test_a_pool_that_gives_out_what_others_had(self):
        group = self.group(TINY)
        run("lvcreate", "--yes", "--type", "thin-pool", "-Zn", "-l", "50%FREE", "-n", "p", group)
        with self.assertRaises(exceptions.BackendFailed) as caught:
            self.driver_on(group, lvm_pool_name="p")
        self.assertIn(f"lvchange --zero y {group}/p", str(caught.exception))

    def test_no_room_for_a_pool(self):
        group = self.group(TINY)
        run("lvcreate", "--yes", "-l", "100%FREE", "-n", "all", group)
        with self.assertRaises(exceptions.BackendFailed) as caught:
            self.driver_on(group, lvm_type="thin")
        self.assertIn("create its thin pool", str(caught.exception))
