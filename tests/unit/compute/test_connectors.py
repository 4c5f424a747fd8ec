"""From a connection to what QEMU opens, and what is refused on the way."""

import socket
from pathlib import Path

import fixtures
import testtools

from mycloud.common import exceptions
from mycloud.compute import connectors
from mycloud.compute.connectors import blockdev, this_host
from mycloud.compute.connectors.base import ThisHost
from tests.unit.compute.connections import ISCSI, NBD_TLS, connection

HOST = ThisHost("iqn.2026-11.cloud.mycloud:here", tls=True)


class ConnectorsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)

    def refused(self, info, host=HOST):
        error = self.assertRaises(exceptions.ConnectionFailed, connectors.connect, info, host)
        self.assertIn("the-volume", str(error))
        self.assertNotIn(str(self.root), str(error))
        return str(error)

    def test_file(self):
        path = self.root / "disk"
        self.assertIn("not on this machine", self.refused(
            connection("local", device_path=str(path), format="raw")
        ))
        path.touch()
        found = connectors.connect(connection("local", device_path=str(path), format="raw"), HOST)
        self.assertEqual((path, "raw", False), (found.path, found.format, found.is_block_device))
        for data, words in (
            ({"device_path": str(path), "format": "vmdk"}, "vmdk"),
            ({"device_path": str(path)}, "format"),
            ({"device_path": "disk", "format": "raw"}, "not on this machine"),
            ({"device_path": str(self.root), "format": "raw"}, "not on this machine"),
            ({}, "device_path"),
        ):
            self.assertIn(words, self.refused(connection("local", **data)))

    def test_file_on_a_share_that_is_not_mounted(self):
        data = {"share": "storage:/volumes", "name": "disk", "format": "raw"}
        self.assertIn("has not mounted storage:/volumes", self.refused(connection("nfs", **data)))
        for name in ("../disk", "a/../b", ".disk", "/etc/passwd", "a//b"):
            self.assertIn("name", self.refused(connection("nfs", **{**data, "name": name})))

    def test_nbd_over_the_network(self):
        found = connectors.connect(NBD_TLS, HOST)
        self.assertEqual(
            ("nbd", "10.0.0.9", 10809, True),
            (found.protocol, found.host, found.port, found.tls),
        )
        self.assertEqual(["the-export"], found.secrets())
        self.assertNotIn("the-export", repr(found))
        self.assertIn("certificate", self.refused(NBD_TLS, ThisHost("iqn", tls=False)))

    def test_nbd_by_a_socket(self):
        path = self.root / "socket"
        data = {"export": "the-export", "format": "raw", "socket": str(path)}
        self.assertIn("socket", self.refused(connection("nbd", **data)))
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            found = connectors.connect(connection("nbd", **data), HOST)
        self.assertEqual((str(path), False), (found.socket, found.tls))

    def test_iscsi(self):
        found = connectors.connect(ISCSI, HOST)
        self.assertEqual(
            ("iscsi", "10.0.0.9", 3260, "iqn.2026-11.cloud:target/1", HOST.initiator),
            (found.protocol, found.host, found.port, found.name, found.initiator),
        )
        self.assertEqual(["the-password"], found.secrets())
        self.assertNotIn("the-password", repr(found))
        data = {**ISCSI["data"], "auth_method": "Kerberos"}
        self.assertIn("Kerberos", self.refused(connection("iscsi", **data)))

    def test_unknown(self):
        self.assertIn("'rbd', only local, nfs, nbd, iscsi", self.refused(connection("rbd")))

    def test_nodes_of_qemu_hold_no_secret_but_in_objects(self):
        source = connectors.connect(ISCSI, HOST)
        node = blockdev.node(source, None)
        self.assertEqual(("iscsi", 1), (node.options["driver"], node.options["lun"]))
        self.assertNotIn("the-password", str(node.options))
        self.assertNotIn("the-password", repr(node))
        [chap] = node.objects
        self.assertEqual(node.options["password-secret"], chap["id"])
        [tls] = blockdev.node(connectors.connect(NBD_TLS, HOST), self.root).objects
        self.assertEqual(("tls-creds-x509", str(self.root)), (tls["qom-type"], tls["dir"]))

    def test_names_of_initiators(self):
        self.assertEqual(
            "iqn.2026-11.cloud.mycloud:my-host.example", this_host.initiator("My_Host.example")
        )
