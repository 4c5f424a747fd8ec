"""Volumes that are files: raw and qcow2, with reflinks and without, and on a full disk."""

import os
import shutil
import subprocess
import unittest
from pathlib import Path

import fixtures
import testtools

from mycloud.common import exceptions
from mycloud.volume.drivers.base import GIB, BackendSettings, Source
from mycloud.volume.drivers.loader import load
from tests.contract.volume_driver import VolumeDriverContract, new_name, peek, poke
from tests.fixtures import mounts, volume_child

_MIB = 1 << 20


class FileDriverBase(VolumeDriverContract):
    disk_format = "raw"

    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.driver = self.start(self.root / "volumes")

    def start(self, directory):
        options = {"volume_dir": str(directory), "volume_format": self.disk_format}
        driver = load("file", BackendSettings("f1", "files", self.root / "state", options))
        driver.do_setup()
        driver.check_for_setup_error()
        return driver

    def mount(self, file_system):
        if os.geteuid():
            self.skipTest("only root can mount")
        point = file_system.__enter__()
        self.addCleanup(file_system.__exit__, None, None, None)
        return point

    @mounts.needs_root
    def small_driver(self):
        return self.start(self.mount(mounts.tmpfs(self.root / "small", 64)))

    def half_make(self, volume):
        volume_child.killed_while_cloning("file", self.driver.settings, volume)

    def foreign(self, data):
        name = f"theirs{len(os.listdir(self.root / 'volumes'))}"
        made = self.image(self.disk_format, data, GIB + 4096)
        shutil.move(made.path, self.root / "volumes" / name)
        return {"source-name": name}

    def left(self):
        return sorted(os.listdir(self.root / "volumes"))

    # -- beyond the contract --------------------------------------------------

    def test_a_volume_is_its_owners_only_and_takes_no_room(self):
        name = self.made(2)
        stat = self.driver.source(name).path.stat()
        self.assertEqual(0o600, stat.st_mode & 0o777)
        self.assertLess(stat.st_blocks * 512, _MIB)
        self.assertEqual(0o700, self.root.joinpath("volumes").stat().st_mode & 0o777)

    def test_a_copy_keeps_the_holes(self):
        name = self.made(2)
        poke(self.driver.source(name), GIB, b"x" * _MIB)
        clone = self.fresh()
        self.driver.clone(name, clone, 2)
        self.assertLess(self.driver.source(clone).path.stat().st_blocks * 512, 3 * _MIB)
        self.assertEqual(b"x" * _MIB + b"\0", self.head(clone, _MIB + 1, GIB))

    def test_format_of_old_volumes_stays_when_the_option_changes(self):
        name = self.made(1, b"data")
        other = {"raw": "qcow2", "qcow2": "raw"}[self.disk_format]
        self.disk_format, old = other, self.disk_format
        self.driver = self.start(self.root / "volumes")
        self.assertEqual(old, self.driver.source(name).format)
        fresh = self.made(1, b"new!")
        self.assertEqual(other, self.driver.source(fresh).format)
        clone = self.fresh()
        self.driver.clone(name, clone, 2)
        self.assertEqual(old, self.driver.source(clone).format)
        self.assertEqual([b"data", b"new!"], [self.head(each) for each in (clone, fresh)])

    def test_a_volume_that_a_program_uses_is_not_touched(self):
        name = self.made(1, b"data")
        snapshot = self.kept(name)
        poke(self.driver.source(name), 0, b"more")
        with self.user_of(self.driver.source(name)):
            for call in (
                lambda: self.driver.delete(name),
                lambda: self.driver.revert(name, snapshot),
                lambda: self.driver.copy_in(name, self.image("raw", b"x"), 3 * _MIB),
            ):
                with self.refused(exceptions.BackendFailed):
                    call()
        self.assertEqual(b"more", self.head(name))

    def user_of(self, source):
        """A program that has a disk open until its input ends."""
        process = subprocess.Popen(
            ["qemu-io", "-f", source.format, str(source.path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        process.stdin.write("length\n")
        process.stdin.flush()
        # it answers once it has opened and locked the disk
        process.stdout.readline()
        return process

    def test_image_that_does_not_fit_on_the_disk(self):
        self.driver = self.small_driver()
        name = self.made(1, b"before")
        image = self.image("raw", b"x" * 80 * _MIB, 80 * _MIB)
        free = self.driver.pools()[0].free_gb
        packed = self.root / "packed"
        # that it does not fit shows only while it is written
        subprocess.run(
            ["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", image.path, packed],
            check=True,
        )
        for each in (image, Source(packed, "qcow2")):
            with self.refused(exceptions.BackendFull):
                self.driver.copy_in(name, each, 80 * _MIB)
            self.assertEqual(b"before", self.head(name, 6))
            self.assertAlmostEqual(free, self.driver.pools()[0].free_gb, 2)
        self.assertEqual(1, len(os.listdir(self.root / "small")))

    def test_file_of_a_volume_that_does_not_fit_on_the_disk(self):
        name = self.made(1, os.urandom(_MIB) * 40)
        small = self.mount(mounts.tmpfs(self.root / "small", 16))
        for disk_format in ("raw", "qcow2"):
            with self.refused(exceptions.BackendFull):
                self.driver.copy_out(name, Source(small / "image", disk_format))
            self.assertEqual([], os.listdir(small))

    def test_image_of_another_kind(self):
        name = self.made(1, b"before")
        self.driver.copy_in(name, self.image("vmdk", b"vmdk"), 3 * _MIB)
        self.assertEqual(b"vmdk\0", self.head(name, 5))

    def test_image_that_is_damaged(self):
        name = self.made(1, b"before")
        image = self.image("qcow2", b"x")
        with image.path.open("r+b") as file:
            file.seek(40)
            file.write((1).to_bytes(8, "big"))
        with self.refused(exceptions.BackendFailed):
            self.driver.copy_in(name, image, 3 * _MIB)
        self.assertEqual(b"before", self.head(name, 6))
        self.assertEqual(1, len(self.left()))

    def test_what_can_not_be_managed_says_why(self):
        volumes = self.root / "volumes"
        other = {"raw": "qcow2", "qcow2": "raw"}[self.disk_format]
        shutil.move(self.image(other, b"x").path, volumes / "other")
        base = self.image("qcow2", b"x").path
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2",
             volumes / "backed"], check=True,
        )
        good = self.foreign(b"x")["source-name"]
        os.link(volumes / good, self.root / "second")
        (volumes / "empty").touch()
        (volumes / "directory").mkdir()
        (volumes / "link").symlink_to(base)
        told = {
            each.reference["source-name"]: each.reason for each in self.driver.manageable()
        }
        self.assertEqual({"other", "backed", "empty", good}, set(told))
        for name, reason in told.items():
            self.assertIsNotNone(reason, name)
        for name in (*told, "directory", "link"):
            with self.refused(exceptions.InvalidReference):
                self.driver.manage({"source-name": name}, new_name())
        (self.root / "second").unlink()
        self.assertEqual(2, self.driver.manage({"source-name": good}, self.fresh()))

    def test_what_others_are_making_in_the_same_directory_stays(self):
        theirs = self.root / "volumes" / ".part-somebody-volume-x-1"
        theirs.write_bytes(b"x")
        self.assertEqual([], self.driver.clean_temporary())
        self.assertTrue(theirs.exists())

    @unittest.skipUnless(mounts.have("mkfs.xfs"), "xfsprogs is not installed")
    @mounts.needs_root
    def test_copies_share_their_blocks_where_the_file_system_can(self):
        self.driver = self.start(self.mount(mounts.xfs(self.root / "xfs")))
        self.assertTrue(self.driver.atomic_snapshots)
        name = self.made(1, b"x" * 200 * _MIB)
        before = self.driver.pools()[0].free_gb
        # more than there is room for
        for _ in range(3):
            snapshot = self.kept(name)
        self.driver.clone(name, self.fresh(), 2)
        self.assertAlmostEqual(before, self.driver.pools()[0].free_gb, 1)
        poke(self.driver.source(name), 0, b"changed")
        found = self.driver.snapshot_source(name, snapshot)
        self.assertEqual(b"x" * 7, peek(found, 0, 7))
        self.driver.revert(name, snapshot)
        self.assertEqual(b"x" * 7, self.head(name, 7))

    def test_no_reflinks_are_claimed_where_there_are_none(self):
        self.driver = self.small_driver()
        self.assertFalse(self.driver.atomic_snapshots)
        self.assertFalse(self.driver.pools()[0].capabilities["reflink"])


@unittest.skipUnless(shutil.which("qemu-img"), "qemu-img is not installed")
class RawFileDriverTest(FileDriverBase, testtools.TestCase):
    def test_a_volume_grows_while_a_program_uses_it(self):
        self.assertTrue(self.driver.pools()[0].online_extend)
        name = self.made()
        with self.user_of(self.driver.source(name)):
            self.driver.extend(name, 2)
        self.assertEqual(2, self.driver.size_gb(name))


@unittest.skipUnless(shutil.which("qemu-img"), "qemu-img is not installed")
class Qcow2FileDriverTest(FileDriverBase, testtools.TestCase):
    disk_format = "qcow2"

    def test_what_is_in_the_file_but_not_in_the_disk_is_in_no_image(self):
        name = self.made(1, b"data")
        with self.driver.source(name).path.open("ab") as file:
            # as QEMU leaves clusters that nothing leads to any more
            file.write(b"forgotten".ljust(65536, b"\0"))
        target = Source(self.directory() / "image", "qcow2")
        self.driver.copy_out(name, target)
        self.assertFalse(b"forgotten" in target.path.read_bytes())
        self.assertEqual(b"data", peek(target, 0, 4))

    def test_a_volume_does_not_grow_while_a_program_uses_it(self):
        pool = self.driver.pools()[0]
        self.assertEqual((False, False), (pool.online_extend, pool.multiattach))
        name = self.made()
        with self.user_of(self.driver.source(name)):
            with self.refused(exceptions.BackendFailed):
                self.driver.extend(name, 2)
        self.assertEqual(1, self.driver.size_gb(name))
