"""NBD exports over the network: only the host that asked gets in."""

import os
import socket
import unittest
from pathlib import Path

import fixtures
import testtools

from mycloud.common import clock, pki
from mycloud.volume.exports.base import ExportSettings
from mycloud.volume.exports.nbd import NbdExporter
from tests.contract.volume_export import ServedExportContract

HOSTS = ("host-of-test", "another", "volume-host")
PORTS = "20100-21099"


class TlsNbdExportTest(ServedExportContract, testtools.TestCase):
    secrets = ("export",)
    ports = PORTS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = fixtures.TempDir()
        cls.folder.setUp()
        cls.bundles = {
            name: pki.ensure_host(cls.path("authority"), name, ["127.0.0.1"]) for name in HOSTS
        }
        # the same name, by somebody else's authority
        cls.forged = pki.ensure_host(cls.path("forger"), "host-of-test", ["127.0.0.1"])

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanUp()
        super().tearDownClass()

    @classmethod
    def path(cls, name):
        return Path(cls.folder.path) / name

    def setUp(self):
        super().setUp()
        self.set_up()

    def make(self):
        return NbdExporter(
            ExportSettings(
                self.root / "nbd", pki_dir=self.bundles["volume-host"],
                options={"port_range": self.ports},
            )
        )

    def connector(self, host="host-of-test"):
        subject = pki.certificate_subject(self.bundles[host] / pki.CLIENT_CERTIFICATE)
        return {"host": host, "certificate_subject": subject}

    def client_options(self, data):
        return {"reconnect": 30, "pki_dir": self.bundles["host-of-test"]}

    def opens(self, data, pki_dir):
        return self.client(data, pki_dir=pki_dir, reconnect=0).opened

    def test_only_the_hosts_own_certificate_opens_it(self):
        data = self.ensure(clock.new_id(), self.raw())
        self.assertTrue(data["tls"])
        self.assertTrue(self.opens(data, self.bundles["host-of-test"]))
        self.assertFalse(self.opens(data, None), "no TLS")
        self.assertFalse(self.opens(data, self.bundles["another"]), "another host")
        self.assertFalse(self.opens(data, self.bundles["volume-host"]), "the volume host")
        self.assertFalse(self.opens(data, self.forged), "another authority")
        anonymous = self.root / "anonymous"
        anonymous.mkdir()
        (anonymous / "ca-cert.pem").write_bytes(
            (self.bundles["another"] / "ca-cert.pem").read_bytes()
        )
        self.assertFalse(self.opens(data, anonymous), "no certificate")
        self.assertTrue(self.opens(data, self.bundles["host-of-test"]))

    def test_names_are_compared_whole(self):
        connector = {**self.connector(), "certificate_subject": "CN=host-of-tes"}
        data = self.ensure(clock.new_id(), self.raw(), connector=connector)
        self.assertFalse(self.opens(data, self.bundles["host-of-test"]))

    def test_another_host_under_the_key_is_another_export(self):
        key, source = clock.new_id(), self.raw()
        before = self.ensure(key, source)
        after = self.ensure(key, source, connector=self.connector("another"))
        self.assertNotEqual(before["export"], after["export"])
        self.assertFalse(self.opens(after, self.bundles["host-of-test"]))
        self.assertTrue(self.opens(after, self.bundles["another"]))

    def test_without_certificates_nothing_goes_over_the_network(self):
        for connector in ({"host": "h"}, {"host": "h", "certificate_subject": ""},
                          {"host": "h", "certificate_subject": None}):
            self.refused(clock.new_id(), self.raw(), connector=connector)
        self.exporter = NbdExporter(ExportSettings(self.root / "plain"))
        self.refused(clock.new_id(), self.raw())
        self.assertEqual([], self.exporter.keys())
        self.exporter = NbdExporter(
            ExportSettings(self.root / "empty", pki_dir=self.root / "missing")
        )
        self.refused(clock.new_id(), self.raw())
        self.assertEqual([], self.exporter.keys())

    def test_a_port_that_somebody_took(self):
        key, source = clock.new_id(), self.raw()
        data = self.ensure(key, source)
        os.kill(self.pid(key), 9)
        self.wait_dead(key)
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.bind(("127.0.0.1", data["port"]))
            thief.listen()
            # those who are connected know no other port
            self.assertEqual([], self.exporter.revive())
            again = self.ensure(key, source)
            self.assertEqual(data["export"], again["export"])
            self.assertNotEqual(data["port"], again["port"])
            self.assertTrue(self.opens(again, self.bundles["host-of-test"]))
        self.assertEqual(again, self.ensure(key, source))

    def test_no_port_is_left(self):
        self.ports = "20099"
        self.exporter = self.make()
        key = clock.new_id()
        data = self.ensure(key, self.raw())
        self.assertEqual(20099, data["port"])
        self.assertIn("port", self.refused(clock.new_id(), self.raw("other.raw")).message)
        # it is kept for one that is down
        os.kill(self.pid(key), 9)
        self.refused(clock.new_id(), self.raw("other.raw"))
        self.assertEqual([key], self.exporter.revive())
        self.exporter.remove(key)
        self.assertEqual(20099, self.ensure(clock.new_id(), self.raw("other.raw"))["port"])


if __name__ == "__main__":
    unittest.main()
