"""The format of backups, and their way into a directory and back, with real files and qemu-img."""

import json
import os
import random
import shutil
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

import fixtures
import testtools

from mycloud.common import exceptions
from mycloud.disk import sparse
from mycloud.volume.drivers.base import Source
from mycloud.volume.repository import chunk, manifest, reading, transfer
from mycloud.volume.repository.directory import DirectoryRepository
from mycloud.volume.repository.manifest import ChunkRef, Manifest
from tests.fixtures import mounts

_KIB, _MIB = 1 << 10, 1 << 20
_CHUNK = 64 * _KIB


def chunk_of(plain: bytes, *, compression: str) -> bytes:
    return chunk.encode(plain, chunk.digest(plain), compression=compression)


class ChunkTest(testtools.TestCase):
    def test_round_trip(self) -> None:
        dice = random.Random(1)
        for plain in (b"x", b"a" * 5000, dice.randbytes(5000), bytes(100)):
            for compression in ("zlib", "none"):
                stored = chunk_of(plain, compression=compression)
                self.assertLessEqual(len(stored), len(plain) + chunk.HEADER_BYTES)
                self.assertEqual(plain, chunk.decode(stored, chunk.digest(plain)))
        self.assertLess(len(chunk_of(b"a" * 5000, compression="zlib")), 200)

    def test_damage_never_becomes_data(self) -> None:
        plain = b"of the volume " * 30
        wanted, harmless = chunk.digest(plain), {}
        for compression in ("zlib", "none"):
            stored = chunk_of(plain, compression=compression)
            harmless[compression] = 0
            for place in range(len(stored)):
                bad = bytearray(stored)
                bad[place] ^= 0x10
                try:
                    found = chunk.decode(bytes(bad), wanted)
                except chunk.ChunkDamaged:
                    continue
                self.assertEqual(plain, found)
                harmless[compression] += 1
        # three zeros of the header, and bits with which zlib fills its last byte
        self.assertEqual({"zlib": 4, "none": 3}, harmless)
        for length in range(len(stored)):
            self.assertRaises(chunk.ChunkDamaged, chunk.decode, stored[:length], wanted)
        self.assertRaises(chunk.ChunkDamaged, chunk.decode, stored, chunk.digest(b"other"))

    def test_does_not_grow_without_end(self) -> None:
        bomb = chunk_of(bytes(64 * _MIB), compression="zlib")
        forged = bomb[:8] + (100).to_bytes(4, "little") + bomb[12:]
        self.assertRaises(chunk.ChunkDamaged, chunk.decode, forged, chunk.digest(b""))


class ManifestTest(testtools.TestCase):
    def made(self, **values: Any) -> Manifest:
        refs = {0: ChunkRef("a" * 64, 10, "one"), 3: ChunkRef("b" * 64, 20, "base")}
        return Manifest(
            **{
                "backup_id": "one", "parent_id": "base", "volume_id": "v",
                "created_at": "2026-11-20T10:00:00", "volume_size": 4 * _CHUNK - 5,
                "chunk_size": _CHUNK, "volume": {"name": "ä"}, "chunks": refs, **values,
            }  # fmt: skip
        )

    def test_round_trip(self) -> None:
        made = self.made()
        self.assertEqual(made, manifest.from_bytes(manifest.to_bytes(made)))
        self.assertEqual([0], made.own())
        self.assertEqual((_CHUNK, _CHUNK - 5), (made.length(0), made.length(3)))
        self.assertEqual(2 * _CHUNK - 5, made.data_bytes())

    def test_what_is_not_whole_is_refused(self) -> None:
        stored = manifest.to_bytes(self.made())
        for bad in (b"", stored[:-1], stored.replace(b'"one"', b'"two"'), b"[]", b'{"a": 1}'):
            self.assertRaises(manifest.ManifestDamaged, manifest.from_bytes, bad)
        for name, value in (
            ("version", 2),
            ("backup_id", "../one"),
            ("volume_size", -1),
            ("chunk_size", 0),
            ("created_at", "yesterday"),
            ("created_at", 5),
            ("holders", []),
            ("holders", ["../../etc", "one"]),
            ("chunks", [[9, "a" * 64, 1, 0]]),
            ("chunks", [[0, "A" * 64, 1, 0]]),
            ("chunks", [[0, "a" * 64, 1, -1]]),
            ("chunks", [[0, "a" * 64, True, 0]]),
            ("chunks", [[0, "a" * 64, 1, 0], [0, "a" * 64, 1, 0]]),
        ):
            document = json.loads(stored)
            document.pop("sha256")
            document[name] = value
            # with a checksum that fits
            signed = manifest._canonical({**document, "sha256": manifest._checksum(document)})
            with self.subTest(name=name, value=value):
                self.assertRaises(manifest.ManifestDamaged, manifest.from_bytes, signed)


class Killed(Exception):
    """As if the process had ended."""


class Counting(DirectoryRepository):
    """Counts what is stored, and can end before the nth chunk."""

    def __init__(self, directory: Path, ends_at: int | None = None) -> None:
        super().__init__(directory)
        self.stored: list[int] = []
        self._ends_at = ends_at

    def put_chunk(self, backup_id: str, number: int, stored: bytes) -> None:
        if self._ends_at == len(self.stored):
            raise Killed
        super().put_chunk(backup_id, number, stored)
        self.stored.append(number)


class TransferTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.disk = self.root / "disk"
        self.size = 10 * _MIB + 4096
        sparse.create(self.disk, self.size)
        self.repository = Counting(self.root / "repository")

    def write(self, place: int, data: bytes) -> None:
        with self.disk.open("r+b") as file:
            file.seek(place)
            file.write(data)

    def store(
        self, backup_id: str, *, source: Source | None = None, repository: Any = None,
        **values: Any,
    ) -> Manifest:
        job = transfer.Job(
            backup_id, "v", "2026-11-20T10:00:00", {}, _CHUNK, "zlib", **values
        )
        with reading.opened(source or Source(self.disk), self.root / "state") as reader:
            return transfer.store(repository or self.repository, reader, job, _nothing)

    def restored(self, made: Manifest) -> bytes:
        target = self.root / f"restored-{made.backup_id}"
        transfer.restore_to_new(self.repository, made, target, _nothing)
        return target.read_bytes()

    def test_raw(self) -> None:
        self.write(0, b"first")
        self.write(3 * _MIB + 100, b"middle" * 50_000)
        self.write(5 * _MIB, bytes(_MIB))
        self.write(self.size - 4, b"last")
        made = self.store("one")
        self.assertEqual(made, self.repository.manifest("one"))
        self.assertEqual(["one"], self.repository.names())
        self.assertEqual(sorted(made.chunks), self.repository.stored)
        self.assertNotIn(5 * _MIB // _CHUNK, made.chunks)
        self.assertEqual(self.disk.read_bytes(), self.restored(made))

    def test_modes(self) -> None:
        self.write(0, b"secret")
        self.store("one")
        for path in [self.root / "repository", *(self.root / "repository").rglob("*")]:
            self.assertEqual(0o700 if path.is_dir() else 0o600, path.stat().st_mode & 0o777)

    def test_chain(self) -> None:
        self.write(0, b"a" * 4 * _CHUNK)
        base = self.store("base")
        self.write(_CHUNK, b"b")
        self.write(2 * _CHUNK, bytes(_CHUNK))
        # the parent's chunk size holds
        middle = self.store("middle", parent=base)
        self.assertEqual([1], middle.own())
        self.write(9 * _CHUNK, b"c")
        os.truncate(self.disk, self.size + _MIB)
        self.write(self.size + _MIB - 1, b"z")
        leaf = self.store("leaf", parent=middle)
        self.assertEqual({"base", "middle", "leaf"}, {r.holder for r in leaf.chunks.values()})
        self.assertEqual(self.disk.read_bytes(), self.restored(leaf))
        self.repository.delete("leaf")
        self.assertEqual(["base", "middle"], self.repository.names())
        self.assertTrue(self.repository.is_empty("leaf"))
        self.repository.delete("leaf")

    def test_goes_on(self) -> None:
        self.write(0, b"x" * 6 * _CHUNK)
        first = Counting(self.root / "repository", ends_at=4)
        self.assertRaises(Killed, self.store, "one", repository=first)
        self.assertEqual([0, 1, 2, 3], first.stored)
        self.assertFalse(self.repository.exists("one"))
        self.assertFalse(self.repository.is_empty("one"))
        # what is not whole is made anew, what a killed writer left is removed
        place = self.root / "repository" / "one" / "000000"
        os.truncate(place / "00000002", 20)
        (place / ".00000004.killed").write_bytes(b"part")
        made = self.store("one")
        self.assertEqual([2, 4, 5], self.repository.stored)
        self.assertEqual(6, len(list(place.iterdir())))
        self.assertEqual(self.disk.read_bytes(), self.restored(made))

    def test_damage(self) -> None:
        self.write(0, b"x" * 3 * _CHUNK)
        made = self.store("one")
        path = self.root / "repository" / "one" / "000000" / "00000001"
        path.write_bytes(path.read_bytes()[:-1])
        error = self.assertRaises(exceptions.BackupDamaged, self.restored, made)
        self.assertIn("chunk 1 is damaged", error.message)
        path.unlink()
        (self.root / "restored-one").unlink()
        error = self.assertRaises(exceptions.BackupDamaged, self.restored, made)
        self.assertIn("chunk 1 is missing", error.message)

    def test_by_hand(self) -> None:
        """The program of the documentation."""
        page = Path(__file__).parents[3] / "docs/howto/restore-a-backup-by-hand.md"
        program = page.read_text().split("```python\n")[1].split("```")[0]
        self.write(0, b"base" * (_CHUNK // 4))
        base = self.store("base")
        self.write(5 * _CHUNK, random.Random(6).randbytes(_CHUNK))
        leaf = self.store("leaf", parent=base)
        target = self.root / "by-hand"
        command = [
            sys.executable, "-c", program, self.root / "repository", leaf.backup_id, target
        ]
        subprocess.run(command, check=True)
        self.assertEqual(self.disk.read_bytes(), target.read_bytes())
        target.unlink()
        path = self.root / "repository" / "base" / "000000" / "00000000"
        path.write_bytes(path.read_bytes()[:-1])
        done = subprocess.run(command, check=False, capture_output=True)
        self.assertEqual(1, done.returncode)

    def test_ids_lead_nowhere_else(self) -> None:
        for bad in ("", "..", "../x", "a/b", ".x", "a" * 65):
            self.assertRaises(manifest.ManifestDamaged, self.repository.delete, bad)

    @unittest.skipUnless(shutil.which("qemu-img"), "qemu-img is not installed")
    def test_qcow2(self) -> None:
        dice = random.Random(2)
        for place in (0, 70_000, 3 * _MIB + 17, self.size - 600):
            self.write(place, dice.randbytes(600))
        raw = self.disk.read_bytes()
        for options, compressed in (([], False), (["-c"], True)):
            target = self.root / f"disk-{compressed}.qcow2"
            subprocess.run(
                ["qemu-img", "convert", "-O", "qcow2", *options, self.disk, target], check=True
            )
            made = self.store(f"q{compressed}", source=Source(target, "qcow2"))
            self.assertEqual(len(raw), made.volume_size)
            self.assertEqual(raw, self.restored(made))
            self.assertLess(len(made.chunks), 6)
        self.assertEqual([], list((self.root / "state" / "images").iterdir()))

    @mounts.needs_root
    def test_full_disk(self) -> None:
        dice = random.Random(3)
        self.write(0, dice.randbytes(6 * _MIB))
        with mounts.tmpfs(self.root / "small", 3):
            repository = DirectoryRepository(self.root / "small" / "repository")
            error = self.assertRaises(
                exceptions.RepositoryFull, self.store, "one", repository=repository
            )
            self.assertIn("one", error.message)
            self.assertNotIn(str(self.root), error.message)
            self.assertEqual([], repository.names())
            repository.delete("one")
            self.assertEqual([], os.listdir(self.root / "small" / "repository"))
            made = self.store("one")
            error = self.assertRaises(
                exceptions.DiskFull, transfer.restore_to_new, self.repository, made,
                self.root / "small" / "target", _nothing,
            )
            self.assertIn("MiB needed", error.message)


def _nothing() -> None:
    pass
