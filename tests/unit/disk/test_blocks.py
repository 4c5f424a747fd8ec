"""Disks are made equal by writing what differs, and no more."""

import os
from pathlib import Path

import fixtures
import testtools

from mycloud.disk import blocks

_MIB = 1 << 20


class CopyDifferencesTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        root = Path(self.useFixture(fixtures.TempDir()).path)
        self.source, self.target = root / "source", root / "target"

    def test_what_differs(self):
        data = bytearray(os.urandom(3 * _MIB + 5000))
        self.source.write_bytes(data)
        for place in (0, 4095, _MIB, 2 * _MIB - 1, 3 * _MIB + 4999):
            data[place] ^= 1
        self.target.write_bytes(data + b"beyond")
        blocks.copy_differences(self.source, self.target, len(data))
        self.assertEqual(self.source.read_bytes() + b"beyond", self.target.read_bytes())

    def test_a_part(self):
        self.source.write_bytes(b"a" * 10000)
        self.target.write_bytes(b"b" * 10000)
        blocks.copy_differences(self.source, self.target, 5000)
        self.assertEqual(b"a" * 5000 + b"b" * 5000, self.target.read_bytes())

    def test_what_is_equal_is_not_written(self):
        self.source.write_bytes(bytes(2 * _MIB))
        with self.target.open("wb") as file:
            # a hole stays one
            file.truncate(2 * _MIB)
        with self.target.open("r+b") as file:
            file.seek(_MIB)
            file.write(b"x")
        blocks.copy_differences(self.source, self.target, 2 * _MIB)
        self.assertEqual(bytes(2 * _MIB), self.target.read_bytes())
        self.assertLessEqual(self.target.stat().st_blocks * 512, 64 << 10)

    def test_too_short(self):
        self.source.write_bytes(b"a" * 10)
        self.target.write_bytes(b"b" * 20)
        self.assertRaises(OSError, blocks.copy_differences, self.source, self.target, 20)
