"""The image cache with the real qemu-img."""

import errno
import hashlib
import json
import shutil
import subprocess
import unittest
from pathlib import Path

import fixtures
import testtools

from mycloud.common import clock, concurrency, exceptions
from mycloud.compute.drivers.base import GuestSpec
from mycloud.compute.drivers.libvirt.files import GuestFiles
from mycloud.disk import qemu_img
from mycloud.disk.image_cache import ImageCache
from mycloud.disk.image_spec import ImageSpec

_MIB = 1 << 20


@unittest.skipUnless(shutil.which("qemu-img"), "qemu-img is not installed")
class ImageCacheTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.cache = ImageCache(self.root / "_base")
        self.files = GuestFiles(self.root / "instances", self.cache)
        self.fetches = 0

    def make(self, disk_format, megabytes=8):
        """An image whose disk begins with its own name; (spec, content of the disk)."""
        raw, path = self.root / "disk.raw", self.root / "made"
        content = disk_format.encode().ljust(512, b"!") + b"\0" * (megabytes * _MIB - 512)
        raw.write_bytes(content)
        subprocess.run(
            ["qemu-img", "convert", "-f", "raw", "-O", {"vhd": "vpc"}.get(
                disk_format, disk_format), str(raw), str(path)], check=True,
        )
        data = path.read_bytes()
        digest = hashlib.sha512(data).hexdigest()
        return ImageSpec(clock.new_id(), digest, disk_format, len(data)), content

    def fetch(self, path):
        self.fetches += 1
        concurrency.sleep(0)
        shutil.copyfile(self.root / "made", path)

    def left(self):
        return [path.name for path in (self.root / "_base").iterdir() if path.name != "locks"]

    def test_every_format_becomes_the_same_raw_disk(self):
        for disk_format in ("raw", "qcow2", "vmdk", "vdi", "vhdx"):
            with self.subTest(disk_format):
                spec, content = self.make(disk_format)
                self.cache.ensure(spec, self.fetch)
                self.assertEqual(content, self.cache.base(spec).read_bytes())

    def test_many_that_want_one_image_fetch_it_once(self):
        spec, _ = self.make("qcow2")
        tasks = [concurrency.spawn(self.cache.ensure, spec, self.fetch) for _ in range(8)]
        for task in tasks:
            task.wait(30)
        self.assertEqual(1, self.fetches)
        self.assertEqual([spec.checksum], self.left())

    def test_what_a_killed_process_left_is_overwritten(self):
        spec, content = self.make("qcow2")
        base = self.root / "_base"
        base.mkdir()
        for suffix in (".fetched", ".raw"):
            (base / f"{spec.checksum}{suffix}").write_bytes(b"torn")
        self.assertIsNone(self.cache.base(spec))
        self.cache.ensure(spec, self.fetch)
        self.assertEqual(content, self.cache.base(spec).read_bytes())
        self.assertEqual([spec.checksum], self.left())

    def test_damaged_image_is_refused_without_a_path_of_the_host(self):
        self.make("qcow2")
        path = self.root / "made"
        with path.open("r+b") as file:
            # the table of clusters begins in the middle of one
            file.seek(40)
            file.write((1).to_bytes(8, "big"))
        spec = ImageSpec(clock.new_id(), None, "qcow2")
        error = self.assertRaises(
            exceptions.ImageRejected, self.cache.ensure, spec, self.fetch
        )
        self.assertNotIn(str(self.root), str(error))
        self.assertEqual([], self.left())

    def test_no_room(self):
        spec = ImageSpec(clock.new_id(), None, "raw", 1 << 60)
        error = self.assertRaises(exceptions.DiskFull, self.cache.ensure, spec, self.fetch)
        self.assertIn("MiB free", str(error))
        self.assertEqual(0, self.fetches)

    def test_room_that_ends_while_it_is_fetched(self):
        def fetch(path):
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

        spec = ImageSpec(clock.new_id(), None, "raw")
        self.assertRaises(exceptions.DiskFull, self.cache.ensure, spec, fetch)
        self.assertEqual([], self.left())

    def test_output_can_not_grow_beyond_what_was_promised(self):
        self.make("qcow2", megabytes=200)
        raw = self.root / "disk.raw"
        with raw.open("r+b") as file:
            for at in range(0, 200 * _MIB, _MIB):
                file.seek(at)
                file.write(b"x" * _MIB)
        self.assertRaises(
            qemu_img.processutils.ProcessExecutionError,
            qemu_img.convert_to_raw, raw, "raw", self.root / "out", _MIB,
        )
        self.assertLess((self.root / "out").stat().st_size, 80 * _MIB)

    def test_disk_is_thin_and_as_large_as_the_flavor(self):
        image, content = self.make("qcow2")
        self.cache.ensure(image, self.fetch)
        spec = GuestSpec(clock.new_id(), "n", 1, 64, 3, 1, 5, image=image, config_files={})
        self.files.create(spec)
        self.assertTrue(self.files.ready(spec))
        disk = self.files.path(spec.server_id, "disk")
        self.assertLess(disk.stat().st_size, _MIB)
        self.assertEqual(f"{3 << 30}", self.info(disk, "virtual-size"))
        base = disk.with_name("disk.base")
        self.assertEqual(str(base), self.info(disk, "backing-filename"))
        self.assertTrue(base.samefile(self.cache.base(image)))
        self.assertEqual("raw", self.info(disk, "backing-filename-format"))
        self.assertEqual(
            ["disk", "disk.base", "disk.config", "disk.eph0", "disk.swap"],
            sorted(path.name for path in disk.parent.iterdir()),
        )

    def test_images_that_nobody_uses_go(self):
        used, _ = self.make("qcow2")
        self.cache.ensure(used, self.fetch)
        spec = GuestSpec(clock.new_id(), "n", 1, 64, 1, image=used)
        self.files.create(spec)
        fresh, _ = self.make("raw")
        self.cache.ensure(fresh, self.fetch)
        self.assertEqual([], self.cache.prune(60))
        self.assertEqual([fresh.checksum], self.cache.prune(-60))
        self.assertEqual([used.checksum], self.left())
        # the disk does not need the cache
        self.cache.base(used).unlink()
        disk = self.files.path(spec.server_id, "disk")
        subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", str(disk)], check=True)

    def test_root_disk_without_a_size_is_as_large_as_the_image(self):
        image, content = self.make("raw")
        self.cache.ensure(image, self.fetch)
        spec = GuestSpec(clock.new_id(), "n", 1, 64, 0, image=image)
        self.files.create(spec)
        self.assertEqual(
            str(len(content)), self.info(self.files.path(spec.server_id, "disk"), "virtual-size")
        )

    def info(self, path, key):
        found = subprocess.run(
            ["qemu-img", "info", "-f", "qcow2", "--output=json", str(path)],
            check=True, capture_output=True, text=True,
        )
        return str(json.loads(found.stdout)[key])
