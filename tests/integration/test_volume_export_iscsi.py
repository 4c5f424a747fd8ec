"""iSCSI exports: real target daemons, and QEMU's initiator."""

import os
import socket
import unittest
from pathlib import Path

import testtools

from mycloud.common import clock
from mycloud.volume.exports.base import ExportSettings
from mycloud.volume.exports.iscsi import IscsiExporter
from tests.contract.volume_export import MIB, SIZE, ServedExportContract

INITIATOR = "iqn.2026-11.cloud.mycloud:"
DRIVER = Path("/usr/lib/x86_64-linux-gnu/qemu/block-iscsi.so")


@unittest.skipUnless(DRIVER.exists(), "needs qemu-block-extra")
class IscsiExportTest(ServedExportContract, testtools.TestCase):
    secrets = ("auth_password",)
    names = ("target_iqn", "auth_username")
    ports = "22100-23099"

    def setUp(self):
        super().setUp()
        self.set_up()

    def make(self):
        return IscsiExporter(
            ExportSettings(self.root / "iscsi", options={"port_range": self.ports})
        )

    def connector(self, host="host-of-test"):
        return {"host": host, "ip": "127.0.0.1", "initiator": INITIATOR + host}

    def client_options(self, data):
        return {"initiator": INITIATOR + "host-of-test", "secret_dir": self.root}

    def test_qcow2_is_read_as_what_it_is(self):
        self.assertIn("qcow2", self.refused(clock.new_id(), self.qcow2()).message)

    def test_another_host_or_password_is_refused(self):
        data = self.ensure(clock.new_id(), self.raw())
        self.assertTrue(self.client(data).opened)
        for initiator in ("another", "host-of-test2", "host-of-tes"):
            self.assertFalse(self.client(data, initiator=INITIATOR + initiator).opened)
        for changed in ({"auth_password": "x" * 32}, {"auth_username": "x"}):
            self.assertFalse(self.client({**data, **changed}).opened, changed)
        self.assertFalse(
            self.client({**data, "auth_password": data["auth_password"][:-1]}).opened
        )

    def test_another_host_under_the_key_is_another_export(self):
        key, source = clock.new_id(), self.raw()
        before = self.ensure(key, source)
        after = self.ensure(key, source, connector=self.connector("another"))
        self.assertNotEqual(before["target_iqn"], after["target_iqn"])
        self.assertFalse(self.client(after).opened)
        self.assertTrue(self.client(after, initiator=INITIATOR + "another").opened)

    def test_without_an_initiator(self):
        for initiator in (None, "", "x", "iqn.x,y", "iqn.x y", 7):
            connector = {"host": "h", "initiator": initiator}
            self.refused(clock.new_id(), self.raw(), connector=connector)
        self.assertEqual([], self.exporter.keys())

    def test_a_port_that_somebody_took(self):
        key, source = clock.new_id(), self.raw()
        data = self.ensure(key, source)
        os.kill(self.pid(key), 9)
        self.wait_dead(key)
        port = int(data["target_portal"].rpartition(":")[2])
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.bind(("127.0.0.1", port))
            thief.listen()
            self.assertEqual([], self.exporter.revive())
            again = self.ensure(key, source)
            self.assertNotEqual(data["target_portal"], again["target_portal"])
            self.assertTrue(self.client(again).opened)
        self.assertEqual(again, self.ensure(key, source))

    def test_discarded_room_is_given_back(self):
        source = self.raw()
        client = self.client(self.ensure(clock.new_id(), source), discard=True)
        self.assertTrue(client.write(0x33, 0, 8 * MIB))
        client.command("flush")
        before = source.path.stat().st_blocks
        client.command(f"discard 0 {8 * MIB}")
        self.assertLess(source.path.stat().st_blocks, before)
        self.assertTrue(client.holds(0, 0, SIZE))

    def test_it_can_not_copy(self):
        key = clock.new_id()
        self.ensure(key, self.raw())
        self.assertFalse(self.exporter.copy(key, self.raw("target.raw")))


if __name__ == "__main__":
    unittest.main()
