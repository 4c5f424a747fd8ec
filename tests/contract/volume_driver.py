"""What every storage backend must do, whatever is under it.

A test class mixes this into a ``unittest.TestCase``; it needs nothing but the standard library and
the drivers, so it also runs in a bare guest. It gives ``driver``, set up and with at least
``parallel`` + 8 GiB that nobody uses, and may give ``small_driver``, ``half_make`` and
``foreign``; the tests that need them are skipped without.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

from mycloud.common import concurrency, exceptions
from mycloud.volume.drivers.base import GIB, Source, VolumeDriver

_MIB = 1 << 20


def new_name():
    """A volume's name, as the cloud gives them."""
    return str(uuid.uuid4())


def peek(source, offset, length):
    """Bytes of a volume or a snapshot."""
    if source.format == "raw":
        with open(source.path, "rb") as file:
            file.seek(offset)
            return file.read(length)
    with tempfile.TemporaryDirectory() as directory:
        raw = Path(directory) / "raw"
        _run("qemu-img", "convert", "-f", source.format, "-O", "raw", source.path, raw)
        return peek(Source(raw), offset, length)


def poke(source, offset, data):
    """Write to a volume as a guest would."""
    if source.format == "raw":
        with open(source.path, "r+b") as file:
            file.seek(offset)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return
    with tempfile.NamedTemporaryFile() as pattern:
        pattern.write(data)
        pattern.flush()
        _run(
            "qemu-io", "-f", source.format, "-c",
            f"write -q -s {pattern.name} {offset} {len(data)}", source.path,
        )


def _run(*command):
    done = subprocess.run(
        [str(word) for word in command], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise AssertionError(f"{command}: {done.stderr}")


class VolumeDriverContract:
    """Mixed into a TestCase."""

    driver: VolumeDriver
    #: volumes of 1 GiB that are made at once
    parallel = 20
    #: GiB that a volume of the small driver has
    small_gb = 1

    # -- what a test class may give -----------------------------------------

    def small_driver(self):
        """A driver whose storage has no room for a volume of ``small_gb`` with 40 MiB in it and a
        copy of that."""
        self.skipTest("no small storage is given")

    def half_make(self, volume):
        """Let another process be killed while it copies that volume."""
        self.skipTest("nothing is half made")

    def foreign(self, data):
        """Something on the storage that begins with ``data`` and is no volume of ours; its
        reference."""
        self.skipTest("nothing is managed")

    # -- parts --------------------------------------------------------------

    def made(self, size_gb=1, data=b""):
        """A volume; removed at the end."""
        name = new_name()
        self.driver.create(name, size_gb)
        self.addCleanup(self.driver.delete, name)
        if data:
            poke(self.driver.source(name), 0, data)
        return name

    def kept(self, volume):
        """A snapshot; removed at the end, before its volume."""
        name = new_name()
        self.driver.snapshot(volume, name)
        self.addCleanup(self.driver.delete_snapshot, volume, name)
        return name

    def fresh(self):
        """The name of a volume that a test makes; removed at the end."""
        name = new_name()
        self.addCleanup(self.driver.delete, name)
        return name

    def head(self, name, length=4, offset=0):
        return peek(self.driver.source(name), offset, length)

    def directory(self):
        path = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, path)
        return path

    def image(self, disk_format, data, size=3 * _MIB):
        """An image of that many bytes once it is raw."""
        raw = self.directory() / "raw"
        with raw.open("wb") as file:
            file.write(data)
            file.truncate(size)
        if disk_format == "raw":
            return Source(raw)
        if not shutil.which("qemu-img"):
            self.skipTest("qemu-img is not installed")
        made = raw.with_name(disk_format)
        _run("qemu-img", "convert", "-f", "raw", "-O", disk_format, raw, made)
        return Source(made, disk_format)

    @contextlib.contextmanager
    def refused(self, error):
        """Like assertRaises, and the message shows no path of the host."""
        try:
            yield
        except error as raised:
            if isinstance(raised, exceptions.MycloudError):
                for place in (f"{tempfile.gettempdir()}/", "/dev/"):
                    self.assertNotIn(place, str(raised))
            return
        self.fail(f"{error} was not raised")

    # -- volumes ------------------------------------------------------------

    def test_a_new_volume_reads_as_zeros(self):
        name = self.made(2)
        self.assertTrue(self.driver.exists(name))
        self.assertIn(name, self.driver.names())
        self.assertEqual(2, self.driver.size_gb(name))
        self.assertEqual(bytes(_MIB), self.head(name, _MIB))
        self.assertEqual(bytes(_MIB), self.head(name, _MIB, 2 * GIB - _MIB))

    def test_create_twice_changes_nothing(self):
        name = self.made(1, b"data")
        self.driver.create(name, 1)
        self.assertEqual(b"data", self.head(name))
        self.assertEqual(1, self.driver.names().count(name))

    def test_create_in_a_pool(self):
        name = self.fresh()
        self.driver.create(name, 1, pool=self.driver.pools()[0].name)
        self.assertTrue(self.driver.exists(name))
        with self.refused(exceptions.BackendFailed):
            self.driver.create(new_name(), 1, pool="elsewhere")

    def test_delete_twice(self):
        name = self.made()
        self.driver.delete(name)
        self.assertFalse(self.driver.exists(name))
        self.assertNotIn(name, self.driver.names())
        self.driver.delete(name)

    def test_what_is_not_there(self):
        name, snapshot = new_name(), new_name()
        self.assertFalse(self.driver.exists(name))
        self.assertFalse(self.driver.snapshot_exists(name, snapshot))
        for call in (
            lambda: self.driver.size_gb(name),
            lambda: self.driver.extend(name, 2),
            lambda: self.driver.clone(name, new_name(), 1),
            lambda: self.driver.source(name),
            lambda: self.driver.snapshot(name, snapshot),
            lambda: self.driver.create_from_snapshot(name, snapshot, new_name(), 1),
            lambda: self.driver.revert(name, snapshot),
            lambda: self.driver.snapshot_source(name, snapshot),
            lambda: self.driver.unmanage(name),
            lambda: self.driver.copy_in(name, self.image("raw", b"x"), 3 * _MIB),
            lambda: self.driver.copy_out(name, Source(self.directory() / "out")),
        ):
            with self.refused(exceptions.VolumeNotOnBackend):
                call()

    def test_extend(self):
        name = self.made(1, b"data")
        for size in (2, 2, 1):
            self.driver.extend(name, size)
            self.assertEqual(2, self.driver.size_gb(name))
        self.assertEqual(b"data", self.head(name))
        self.assertEqual(bytes(_MIB), self.head(name, _MIB, 2 * GIB - _MIB))
        poke(self.driver.source(name), 2 * GIB - 4, b"last")
        self.assertEqual(b"last", self.head(name, 4, 2 * GIB - 4))

    def test_clone_is_a_volume_of_its_own(self):
        origin = self.made(1, b"origin")
        poke(self.driver.source(origin), GIB - 4, b"last")
        name = self.fresh()
        self.driver.clone(origin, name, 2)
        self.assertEqual(2, self.driver.size_gb(name))
        self.assertEqual(b"origin", self.head(name, 6))
        self.assertEqual(b"last\0\0", self.head(name, 6, GIB - 4))
        poke(self.driver.source(name), 0, b"change")
        self.assertEqual(b"origin", self.head(origin, 6))
        self.driver.clone(origin, name, 2)
        self.assertEqual(b"change", self.head(name, 6))

    def test_many_at_once(self):
        names = [self.fresh() for _ in range(self.parallel)]
        tasks = [concurrency.spawn(self.driver.create, name, 1) for name in names]
        for task in tasks:
            task.wait(120)
        self.assertEqual(set(), set(names) - set(self.driver.names()))
        for task in [concurrency.spawn(self.driver.delete, name) for name in names]:
            task.wait(120)
        self.assertEqual(set(), set(names) & set(self.driver.names()))

    def test_names_that_lead_elsewhere_are_refused(self):
        name = self.made()
        for bad in (
            "../x", "/x", "", ".", "..", "a/b", ".a", "a\0", "-x", "a b", "x" * 300, "a\n",
        ):
            for call in (
                lambda bad=bad: self.driver.create(bad, 1),
                lambda bad=bad: self.driver.exists(bad),
                lambda bad=bad: self.driver.delete(bad),
                lambda bad=bad: self.driver.source(bad),
                lambda bad=bad: self.driver.clone(name, bad, 1),
                lambda bad=bad: self.driver.snapshot(name, bad),
                lambda bad=bad: self.driver.delete_snapshot(name, bad),
                lambda bad=bad: self.driver.snapshot_source(name, bad),
                lambda bad=bad: self.driver.unmanage(bad),
            ):
                with self.refused(ValueError):
                    call()

    # -- snapshots ----------------------------------------------------------

    def test_snapshot_keeps_what_was_there(self):
        name = self.made(1, b"first")
        snapshot = self.kept(name)
        poke(self.driver.source(name), 0, b"second")
        self.assertTrue(self.driver.snapshot_exists(name, snapshot))
        self.assertIn(snapshot, self.driver.snapshot_names())
        self.assertNotIn(snapshot, self.driver.names())
        self.assertEqual(b"first", peek(self.driver.snapshot_source(name, snapshot), 0, 5))
        # a second time: the first one stays
        self.driver.snapshot(name, snapshot)
        self.assertEqual(b"first", peek(self.driver.snapshot_source(name, snapshot), 0, 5))

    def test_delete_snapshot_twice(self):
        name = self.made()
        snapshot = self.kept(name)
        for _ in range(2):
            self.driver.delete_snapshot(name, snapshot)
            self.assertFalse(self.driver.snapshot_exists(name, snapshot))
            self.assertNotIn(snapshot, self.driver.snapshot_names())
        self.assertTrue(self.driver.exists(name))

    def test_volume_from_a_snapshot(self):
        name = self.made(1, b"first")
        snapshot = self.kept(name)
        poke(self.driver.source(name), 0, b"second")
        new = self.fresh()
        self.driver.create_from_snapshot(name, snapshot, new, 2)
        self.assertEqual(2, self.driver.size_gb(new))
        self.assertEqual(b"first\0", self.head(new, 6))
        self.assertEqual(bytes(_MIB), self.head(new, _MIB, GIB))
        poke(self.driver.source(new), 0, b"third")
        self.driver.create_from_snapshot(name, snapshot, new, 2)
        self.assertEqual(b"third", self.head(new, 5))
        self.assertEqual(b"first", peek(self.driver.snapshot_source(name, snapshot), 0, 5))
        same = self.fresh()
        self.driver.create_from_snapshot(name, snapshot, same, 1)
        self.assertEqual(b"first", self.head(same, 5))

    def test_revert(self):
        name = self.made(1, b"first")
        snapshot = self.kept(name)
        poke(self.driver.source(name), 0, b"second")
        poke(self.driver.source(name), _MIB, b"second")
        self.driver.extend(name, 2)
        for _ in range(2):
            self.driver.revert(name, snapshot)
            self.assertEqual(b"first\0", self.head(name, 6))
            self.assertEqual(bytes(6), self.head(name, 6, _MIB))
            self.assertEqual(2, self.driver.size_gb(name))
        poke(self.driver.source(name), 0, b"third")
        self.assertEqual(b"first", peek(self.driver.snapshot_source(name, snapshot), 0, 5))

    def test_snapshot_that_somebody_else_writes(self):
        if self.driver.atomic_snapshots:
            self.skipTest("this backend makes them at once")
        name, snapshot = self.made(1, b"data"), new_name()
        self.addCleanup(self.driver.delete_snapshot, name, snapshot)
        with self.refused(exceptions.VolumeNotOnBackend):
            self.driver.commit_snapshot(name, snapshot)
        poke(self.driver.begin_snapshot(name, snapshot), 0, b"torn")
        self.assertFalse(self.driver.snapshot_exists(name, snapshot))
        self.assertNotIn(snapshot, self.driver.snapshot_names())
        begun = self.driver.begin_snapshot(name, snapshot)
        self.assertEqual(bytes(4), peek(begun, 0, 4))
        poke(begun, GIB - 4, b"copy")
        # it may take longer than the process that has begun it lives
        self.driver.clean_temporary()
        for _ in range(2):
            self.driver.commit_snapshot(name, snapshot)
            self.assertTrue(self.driver.snapshot_exists(name, snapshot))
        found = self.driver.snapshot_source(name, snapshot)
        self.assertEqual(b"copy", peek(found, GIB - 4, 4))
        self.driver.delete_snapshot(name, snapshot)
        self.driver.begin_snapshot(name, snapshot)
        self.driver.delete_snapshot(name, snapshot)
        with self.refused(exceptions.VolumeNotOnBackend):
            self.driver.commit_snapshot(name, snapshot)

    # -- images -------------------------------------------------------------

    def test_image_into_a_volume(self):
        for disk_format in ("raw", "qcow2"):
            with self.subTest(disk_format):
                name = self.made(1, b"what was there before")
                poke(self.driver.source(name), 5 * _MIB, b"and there")
                size = 3 * _MIB
                image = self.image(disk_format, b"image", size)
                for _ in range(2):
                    self.driver.copy_in(name, image, size)
                    self.assertEqual(b"image\0", self.head(name, 6))
                    self.assertEqual(bytes(9), self.head(name, 9, 5 * _MIB))
                self.assertEqual(1, self.driver.size_gb(name))
                poke(self.driver.source(name), GIB - 4, b"last")

    def test_image_that_is_too_big(self):
        name = self.made(1, b"data")
        image = self.image("raw", b"image", GIB + 512)
        with self.refused(exceptions.BackendFailed):
            self.driver.copy_in(name, image, GIB + 512)
        self.assertEqual(b"data", self.head(name))

    def test_volume_into_an_image(self):
        name = self.made(1, b"data")
        poke(self.driver.source(name), 5 * _MIB, b"more")
        for disk_format in ("raw", "qcow2"):
            with self.subTest(disk_format):
                if disk_format != "raw" and not shutil.which("qemu-img"):
                    self.skipTest("qemu-img is not installed")
                target = Source(self.directory() / "image", disk_format)
                self.driver.copy_out(name, target)
                self.assertEqual(b"data", peek(target, 0, 4))
                self.assertEqual(b"more", peek(target, 5 * _MIB, 4))
                self.assertLess(target.path.stat().st_blocks * 512, 10 * _MIB)
                self.assertEqual(["image"], os.listdir(target.path.parent))

    # -- what lies there already --------------------------------------------

    def test_manage_and_unmanage(self):
        reference = self.foreign(b"theirs")
        found = [each for each in self.driver.manageable() if each.reference == reference]
        self.assertEqual([None], [each.reason for each in found])
        name = self.fresh()
        for _ in range(2):
            size = self.driver.manage(reference, name)
            self.assertEqual(found[0].size_gb, size)
            self.assertEqual(size, self.driver.size_gb(name))
            self.assertEqual(b"theirs", self.head(name, 6))
        self.assertNotIn(reference, [each.reference for each in self.driver.manageable()])
        poke(self.driver.source(name), size * GIB - 4, b"last")
        before = [each.reference for each in self.driver.manageable()]
        for _ in range(2):
            self.driver.unmanage(name)
            self.assertFalse(self.driver.exists(name))
        after = [each for each in self.driver.manageable() if each.reference not in before]
        self.assertEqual([None], [each.reason for each in after])
        again = self.fresh()
        self.assertEqual(size, self.driver.manage(after[0].reference, again))
        self.assertEqual(b"theirs", self.head(again, 6))

    def test_references_that_lead_nowhere(self):
        known = self.foreign(b"x")
        volume = self.made()
        key = next(iter(known))
        for reference in (
            {}, {"other": "x"}, {key: ""}, {key: "not-there"}, {key: "../etc/passwd"},
            {key: "/etc/passwd"}, {key: "."}, {key: ".."}, {**known, "other": "x"}, {key: None},
            {key: f"volume-{volume}"}, {key: volume},
        ):
            with self.refused(exceptions.InvalidReference):
                self.driver.manage(reference, new_name())
        with self.refused(exceptions.InvalidReference):
            # the volume is there, and so is what it would be made of
            self.driver.manage(known, volume)
        self.driver.manage(known, self.fresh())

    # -- room ---------------------------------------------------------------

    def test_what_a_pool_tells(self):
        before = self.driver.pools()[0]
        self.assertGreater(before.total_gb, 0)
        self.assertLessEqual(before.free_gb, before.total_gb)
        name = self.made(2)
        self.kept(name)
        after = self.driver.pools()[0]
        self.assertEqual(before.name, after.name)
        self.assertAlmostEqual(before.total_gb, after.total_gb, 1)
        self.assertAlmostEqual(before.provisioned_gb + 4, after.provisioned_gb, 1)
        self.assertIsInstance(after.capabilities, dict)

    def free(self, size):
        """So many GiB are free."""
        self.assertAlmostEqual(size, self.driver.pools()[0].free_gb, 2)

    def test_full_storage_gives_the_space_back(self):
        self.driver = driver = self.small_driver()
        empty = driver.pools()[0].free_gb
        name = self.made(self.small_gb, b"x" * 40 * _MIB)
        before = driver.pools()[0].free_gb
        copy = new_name()
        with self.refused(exceptions.BackendFull):
            driver.clone(name, copy, self.small_gb)
        with self.refused(exceptions.BackendFull):
            driver.snapshot(name, copy)
        self.assertFalse(driver.exists(copy))
        self.assertFalse(driver.snapshot_exists(name, copy))
        self.free(before)
        self.assertEqual(b"xxxx", self.head(name, 4, 40 * _MIB - 4))
        driver.delete(name)
        self.free(empty)
        self.assertEqual([], driver.clean_temporary())

    def test_what_was_half_made_is_removed(self):
        name = self.made(1, b"data")
        before = self.driver.names()
        self.half_make(name)
        self.assertEqual(before, self.driver.names())
        self.assertEqual(1, len(self.driver.clean_temporary()))
        self.assertEqual([], self.driver.clean_temporary())
        self.assertEqual(before, self.driver.names())
        self.assertEqual(b"data", self.head(name))
