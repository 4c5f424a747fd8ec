"""Locks of files are seen and tried as QEMU takes them."""

import os
import subprocess
from pathlib import Path

import fixtures
import testtools

from mycloud.disk import file_locks


class FileLocksTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.path = Path(self.useFixture(fixtures.TempDir()).path) / "disk"
        self.path.write_bytes(bytes(512))

    def open(self):
        file = os.open(self.path, os.O_RDWR)
        self.addCleanup(os.close, file)
        return file

    def test_held(self):
        self.assertFalse(file_locks.held(self.path))
        file_locks.take(self.open())
        self.assertTrue(file_locks.held(self.path))
        self.assertRaises(BlockingIOError, file_locks.take, self.open())

    def test_who_only_reads_holds_nothing(self):
        with self.path.open("rb"):
            self.assertFalse(file_locks.held(self.path))

    def test_qemu_is_seen(self):
        with subprocess.Popen(
            ["qemu-io", "-f", "raw", str(self.path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as program:
            program.stdin.write("length\n")
            program.stdin.flush()
            program.stdout.readline()
            self.assertTrue(file_locks.held(self.path))
        self.assertFalse(file_locks.held(self.path))

    def test_two_processes_see_each_other(self):
        self.assertIsNone(file_locks.why_none(self.path))
        self.assertFalse(file_locks.held(self.path))

    def test_a_file_that_another_has_locked(self):
        file_locks.take(self.open())
        self.assertEqual(
            "another process finds a free file held", file_locks.why_none(self.path)
        )
