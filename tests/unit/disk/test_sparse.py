"""Files are copied with their holes, by whatever way the file system knows."""

import os
import subprocess
import unittest
from pathlib import Path

import fixtures
import testtools

from mycloud.disk import sparse
from tests.fixtures import mounts

_MIB = 1 << 20


class SparseTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.source, self.target = self.root / "source", self.root / "target"

    def write(self, *pieces, size=0):
        with self.source.open("wb") as file:
            for at, data in pieces:
                file.seek(at)
                file.write(data)
            file.truncate(max(size, file.seek(0, os.SEEK_END)))

    def same(self):
        self.assertEqual(self.source.read_bytes(), self.target.read_bytes())

    def test_pieces(self):
        pieces = {
            "nothing": (),
            "at the beginning": ((0, b"a"),),
            "at the end": ((40 * _MIB - 3, b"end"),),
            "odd places": ((12345, b"b" * 70001), (9 * _MIB + 1, b"c" * 9 * _MIB)),
        }
        for what, each in pieces.items():
            for find_zeros in (False, True):
                with self.subTest(what, find_zeros=find_zeros):
                    self.write(*each, size=40 * _MIB)
                    sparse.copy(self.source, self.target, find_zeros=find_zeros)
                    self.same()
                    self.assertLessEqual(
                        sparse.allocated(self.target), sparse.allocated(self.source) + 65536
                    )
                    self.assertEqual(0o600, self.target.stat().st_mode & 0o777)
                    self.target.unlink()

    def test_size_that_is_no_number_of_blocks(self):
        self.write((0, b"x" * 100001), size=3 * _MIB + 7)
        for find_zeros in (False, True):
            sparse.copy(self.source, self.target, find_zeros=find_zeros)
            self.same()
            self.target.unlink()

    def test_zeros_become_holes_if_wanted(self):
        self.write((0, b"x"), (4096, bytes(8 * _MIB)), (8 * _MIB, b"y"))
        sparse.copy(self.source, self.target, find_zeros=True)
        self.same()
        self.assertGreater(sparse.allocated(self.source), 8 * _MIB)
        self.assertLess(sparse.allocated(self.target), _MIB)

    def test_never_over_another_file(self):
        self.write((0, b"x"))
        self.target.write_bytes(b"mine")
        self.assertRaises(FileExistsError, sparse.copy, self.source, self.target)
        self.assertRaises(FileExistsError, sparse.create, self.target, 1)
        self.assertEqual(b"mine", self.target.read_bytes())

    @mounts.needs_root
    def test_from_one_file_system_to_another(self):
        with mounts.tmpfs(self.root / "other", 64):
            self.write((3 * _MIB, b"x" * _MIB), size=1 << 30)
            target = self.root / "other" / "target"
            sparse.copy(self.source, target)
            self.assertEqual(1 << 30, target.stat().st_size)
            self.assertEqual(_MIB, sparse.allocated(target))
            self.assertEqual(4 * _MIB, sparse.data_end(target))

    @mounts.needs_root
    def test_from_a_block_device(self):
        self.write((_MIB, b"x" * 5000), size=8 * _MIB)
        try:
            device = subprocess.run(
                ["/usr/sbin/losetup", "-r", "--show", "-f", str(self.source)],
                check=True, capture_output=True, text=True,
            ).stdout.strip()
        except (OSError, subprocess.CalledProcessError) as error:
            self.skipTest(f"no loop device: {error}")
        try:
            sparse.copy(Path(device), self.target, find_zeros=True)
        finally:
            mounts.run("losetup", "-d", device)
        self.same()
        self.assertLess(sparse.allocated(self.target), _MIB)

    def test_grow_never_shrinks(self):
        self.write((0, b"x"), size=_MIB)
        for size in (2 * _MIB, _MIB):
            sparse.grow(self.source, size)
            self.assertEqual(2 * _MIB, self.source.stat().st_size)

    def test_probe_of_reflinks_leaves_nothing(self):
        self.assertFalse(sparse.can_reflink(Path("/dev/shm"), f"probe{os.getpid()}"))
        self.assertFalse(Path(f"/dev/shm/probe{os.getpid()}").exists())

    @unittest.skipUnless(mounts.have("mkfs.xfs"), "xfsprogs is not installed")
    @mounts.needs_root
    def test_reflinks(self):
        with mounts.xfs(self.root / "xfs") as directory:
            self.assertTrue(sparse.can_reflink(directory, "probe"))
            self.assertEqual([], os.listdir(directory))
            self.source, self.target = directory / "source", directory / "target"
            self.write((0, b"x" * 50 * _MIB), size=60 * _MIB)
            os.sync()
            free = sparse.free(directory)
            sparse.copy(self.source, self.target)
            self.same()
            self.assertLess(free - sparse.free(directory), _MIB)
