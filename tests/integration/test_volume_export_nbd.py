"""NBD exports: real storage daemons, and QEMU's clients."""

import os
import random
import signal
import struct
import unittest

import testtools

from mycloud.common import clock, concurrency, exceptions
from mycloud.disk import machine
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports.base import ExportSettings
from mycloud.volume.exports.nbd import NbdExporter
from mycloud.volume.exports.storage_daemon import StorageDaemon, add_disk
from tests.contract.volume_export import MIB, SIZE, ServedExportContract
from tests.fixtures.disk_client import PlainNbd

BLOCK = 4096


class UnixNbdExportTest(ServedExportContract, testtools.TestCase):
    secrets = ("export",)

    def setUp(self):
        super().setUp()
        self.set_up()

    def make(self):
        return NbdExporter(ExportSettings(self.root / "nbd"))

    def connector(self, host="host-of-test"):
        return {"host": host, "machine": machine.mark(), "nbd_unix": True}

    def client_options(self, data):
        return {"reconnect": 30}

    def test_another_host_under_the_key_is_another_export(self):
        key, source = clock.new_id(), self.raw()
        before = self.ensure(key, source)
        after = self.ensure(key, source, connector=self.connector("another"))
        self.assertNotEqual(before["export"], after["export"])
        self.assertFalse(self.client({**after, "export": before["export"]}).opened)

    def test_names_that_are_near_are_refused(self):
        data = self.ensure(clock.new_id(), self.raw())
        for name in ("", "export", "disk", data["export"][:-1], data["export"] + "x"):
            client = self.useFixture(PlainNbd(data["socket"], name))
            self.assertIn(b"not present", client.refused or b"")

    def test_a_host_elsewhere_gets_no_socket(self):
        connector = {**self.connector(), "machine": "a:b:c:d:e"}
        error = self.refused(clock.new_id(), self.raw(), connector=connector)
        self.assertIn("certificates", error.message)

    def test_a_path_too_long_for_a_socket(self):
        state = self.root / ("x" * 100)
        self.exporter = NbdExporter(ExportSettings(state))
        key = clock.new_id()
        data = self.ensure(key, self.raw())
        self.assertTrue(self.client(data).holds(0, 0, SIZE))
        self.exporter.remove(key)
        self.assertFalse(os.path.lexists(os.path.dirname(data["socket"])))

    def test_qcow2_loses_nothing_that_was_acknowledged(self):
        key, source = clock.new_id(), self.qcow2()
        client = self.client(self.ensure(key, source))
        for block in range(64):
            self.assertTrue(client.write(block + 1, block * 65536, BLOCK))
        os.kill(self.pid(key), 9)
        self.assertEqual([key], self.exporter.revive())
        for block in range(64):
            self.assertTrue(client.holds(block + 1, block * 65536, BLOCK), client.output)

    def test_qcow2_is_not_shared(self):
        self.assertIn("raw", self.refused(clock.new_id(), self.qcow2(), shared=True).message)

    def test_revive_goes_on_after_one_that_can_not_be(self):
        one, two = sorted((clock.new_id(), clock.new_id()))
        source = self.raw()
        self.ensure(one, source)
        self.ensure(two, self.raw("other.raw"))
        for key in (one, two):
            os.kill(self.pid(key), 9)
        source.path.rename(self.root / "gone")
        self.assertEqual([two], self.exporter.revive())
        self.assertEqual([one, two], self.exporter.keys())
        (self.root / "gone").rename(source.path)
        self.assertEqual([one], self.exporter.revive())

    # -- copies -------------------------------------------------------------

    def test_copy_is_of_one_moment(self):
        size = 256 * MIB
        key, source = clock.new_id(), self.raw(size=size)
        with source.path.open("r+b") as file:
            for _ in range(size // MIB):
                file.write(b"\xff" * MIB)
        data = self.ensure(key, source)
        writer = self.useFixture(PlainNbd(data["socket"], data["export"]))
        places = list(range(size // BLOCK))
        random.Random(7).shuffle(places)
        stop = concurrency.Event()
        acknowledged = [0]

        def write():
            for number, place in enumerate(places, 1):
                if stop.is_set():
                    return
                writer.write(place * BLOCK, struct.pack(">Q", number) + b"\0" * (BLOCK - 8))
                acknowledged[0] = number

        task = concurrency.spawn(write)
        while acknowledged[0] < 100:
            concurrency.sleep(0.001)
        before = acknowledged[0]
        target = self.raw("target.raw", size)
        self.assertTrue(self.exporter.copy(key, target))
        after = acknowledged[0]
        stop.set()
        task.wait(30)
        self.assertGreater(after, before + 100, "nothing was written meanwhile: proves nothing")
        whole = target.path.read_bytes()
        numbers = [struct.unpack_from(">Q", whole, place * BLOCK)[0] for place in places]
        copied = sum(number != 0xFFFFFFFFFFFFFFFF for number in numbers)
        self.assertEqual(list(range(1, copied + 1)), numbers[:copied])
        self.assertLessEqual(before, copied)
        self.assertLess(copied, after)

    def test_copy_is_sparse_and_whole(self):
        key, source = clock.new_id(), self.raw(size=64 * MIB)
        client = self.client(self.ensure(key, source))
        self.assertTrue(client.write(0x33, MIB, MIB))
        target = self.raw("target.raw", 64 * MIB)
        self.assertTrue(self.exporter.copy(key, target))
        self.assertEqual(source.path.read_bytes(), target.path.read_bytes())
        self.assertLess(target.path.stat().st_blocks * 512, 4 * MIB)
        self.assertTrue(client.write(0x34, MIB, 4096))

    def test_copy_to_qcow2(self):
        key = clock.new_id()
        client = self.client(self.ensure(key, self.raw()))
        self.assertTrue(client.write(0x33, MIB, MIB))
        target = self.qcow2("target.qcow2")
        self.assertTrue(self.exporter.copy(key, target))
        again = self.client(self.ensure(clock.new_id(), target))
        self.assertTrue(again.holds(0x33, MIB, MIB))

    def test_copy_that_can_not_be(self):
        key = clock.new_id()
        client = self.client(self.ensure(key, self.raw()))
        for target in (Source(self.root / "missing"), self.raw("small.raw", MIB)):
            error = self.assertRaises(
                exceptions.ExportFailed, self.exporter.copy, key, target
            )
            self.assertNotIn(str(self.root), error.message)
        self.assertTrue(client.write(1, 0, BLOCK))
        self.assertTrue(self.exporter.copy(key, self.raw("target.raw")))
        self.assertRaises(
            exceptions.ExportFailed, self.exporter.copy, clock.new_id(), self.raw("x.raw")
        )

    def test_copy_after_one_that_was_cut_off(self):
        key, source = clock.new_id(), self.raw()
        client = self.client(self.ensure(key, source))
        self.assertTrue(client.write(0x33, 0, SIZE))
        # what a volume service leaves that is killed while it copies
        with StorageDaemon(self.exporter.settings.state_dir / key).jobs() as monitor:
            add_disk(monitor, self.raw("old.raw"), node="target", read_only=False)
            monitor.execute(
                "blockdev-backup", job_id="copy-old", device="disk", target="target", sync="full",
                speed=1,
            )
        target = self.raw("target.raw")
        self.assertTrue(self.exporter.copy(key, target))
        self.assertEqual(source.path.read_bytes(), target.path.read_bytes())
        self.assertTrue(client.write(0x34, 0, BLOCK))

    def test_copy_of_an_export_that_dies(self):
        key = clock.new_id()
        self.ensure(key, self.raw())
        pid = self.pid(key)
        os.kill(pid, signal.SIGSTOP)
        task = concurrency.spawn(self.exporter.copy, key, self.raw("target.raw"))
        self.assertFalse(task.ended(0.2))
        os.kill(pid, signal.SIGKILL)
        self.assertRaises(exceptions.ExportFailed, task.wait, 10)

    def test_copy_of_what_others_write_to_is_refused(self):
        key = clock.new_id()
        self.ensure(key, self.raw(), shared=True)
        self.assertFalse(self.exporter.copy(key, self.raw("target.raw")))


if __name__ == "__main__":
    unittest.main()
