"""Copies of volumes from one backend to another: by the file, and over the network with TLS."""

import os
import subprocess
from pathlib import Path

import fixtures
import testtools

from mycloud.common import clock, exceptions, pki
from mycloud.disk import processes
from mycloud.volume.drivers.base import GIB, BackendSettings, Source
from mycloud.volume.drivers.loader import load
from mycloud.volume.exports import fetching
from mycloud.volume.exports.board import Board
from mycloud.volume.exports.copying import CopyFailed

_DATA = os.urandom(1 << 20)
#: another machine: it sees none of our files
_ELSEWHERE = "another-boot:1:1:1:1"


class FetchTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir(rootdir="/tmp")).path)
        authority = self.root / "authority"
        self.hosts = {
            name: pki.ensure_host(authority, name, ["127.0.0.1"])
            for name in ("here", "there", "stranger")
        }
        self.pulses = 0

    def backend(self, name: str, disk_format: str = "raw", host: str = "here"):
        settings = BackendSettings(
            name, name, self.root / name,
            {"volume_format": disk_format, "export_protocol": "auto"},
        )
        settings.state_dir.mkdir(mode=0o700)
        driver = load("file", settings)
        driver.do_setup()
        board = Board(settings, "file", address="127.0.0.1", pki_dir=self.hosts[host])
        return driver, board

    def filled(self, driver) -> Source:
        """A volume with bytes at its beginning, in its middle and at its end."""
        driver.create("old", 1)
        source = driver.source("old")
        self.assertEqual("raw", source.format)
        with source.path.open("r+b") as file:
            for place in (0, GIB // 2, GIB - len(_DATA)):
                file.seek(place)
                file.write(_DATA)
        return source

    def pulse(self) -> None:
        self.pulses += 1

    def fetch(self, info, target: Source, host: str = "there") -> None:
        fetching.fetch(
            self.root / "moves" / "one", info, target, pki_dir=self.hosts[host],
            pulse=self.pulse,
        )

    def assert_same(self, source: Source, target: Source) -> None:
        subprocess.run(
            ["qemu-img", "compare", "-f", source.format, "-F", target.format,
             str(source.path), str(target.path)],
            check=True, capture_output=True,
        )
        # what nobody has written takes no room
        self.assertLess(target.path.stat().st_blocks * 512, 64 << 20)
        self.assertFalse((self.root / "moves" / "one").exists())

    def test_from_raw_to_qcow2_and_back(self) -> None:
        old, board = self.backend("old")
        source = self.filled(old)
        for name, disk_format in (("packed", "qcow2"), ("plain", "raw")):
            new, other = self.backend(name, disk_format)
            new.create("new", 1)
            target = new.source("new")
            self.assertEqual(disk_format, target.format)
            info = board.lend("move", source, other.connector("there"))
            self.assertEqual("local", info["driver_volume_type"])
            self.fetch(info, target)
            self.assert_same(source, target)
            board, source = other, target

    def test_over_the_network(self) -> None:
        old, board = self.backend("old")
        source = self.filled(old)
        new, other = self.backend("new", "qcow2", host="there")
        new.create("new", 1)
        connector = {**other.connector("there"), "machine": _ELSEWHERE}
        info = board.lend("move", source, connector)
        self.addCleanup(board.remove, "move")
        self.assertEqual(("nbd", True), (info["driver_volume_type"], info["data"]["tls"]))
        self.assertEqual(info, board.lend("move", source, connector))
        # only whom it was lent to
        self.assertRaises(CopyFailed, self.fetch, info, new.source("new"), host="stranger")
        self.fetch(info, new.source("new"))
        self.assert_same(source, new.source("new"))
        board.remove("move")
        self.assertEqual({}, board.all())
        error = self.assertRaises(CopyFailed, self.fetch, info, new.source("new"))
        self.assertNotIn(info["data"]["export"], str(error))
        self.assertNotIn(str(self.root), str(error))

    def test_no_certificate_no_copy(self) -> None:
        old, board = self.backend("old")
        connector = {"host": "there", "machine": _ELSEWHERE, "certificate_subject": None}
        self.assertRaises(
            exceptions.ExportFailed, board.lend, "move", self.filled(old), connector
        )

    def test_sizes(self) -> None:
        """A bigger target holds the disk at its beginning; a smaller one is refused."""
        old, board = self.backend("old")
        source = self.filled(old)
        info = board.lend("move", source, board.connector("there"))
        for size, fits in ((2, True), (None, False)):
            target = self.root / f"target-{clock.new_id()}"
            target.touch()
            os.truncate(target, GIB * size if size else GIB // 2)
            if not fits:
                self.assertRaises(CopyFailed, self.fetch, info, Source(target))
                continue
            self.fetch(info, Source(target))
            with target.open("rb") as file:
                file.seek(GIB - len(_DATA))
                self.assertEqual(_DATA + bytes(8), file.read(len(_DATA) + 8))

    def test_what_an_earlier_process_has_left_is_ended(self) -> None:
        old, board = self.backend("old")
        source = self.filled(old)
        place = self.root / "moves" / "one"
        place.mkdir(parents=True, mode=0o700)
        left = fetching.StorageDaemon(place)
        left.start()
        pid = left.pid()
        self.assertIsNotNone(pid)
        new, other = self.backend("new")
        new.create("new", 1)
        self.fetch(board.lend("move", source, other.connector("there")), new.source("new"))
        self.assert_same(source, new.source("new"))
        self.assertFalse(processes.alive(pid))
