"""A volume as libvirt's XML: what is in it, what is not, and what is read back."""

from pathlib import Path
from xml.etree import ElementTree as ET

import fixtures
import testtools

from mycloud.common import clock
from mycloud.compute import connectors, guest_spec
from mycloud.compute.connectors.base import DiskSource, ThisHost
from mycloud.compute.drivers.base import GuestSpec, VolumeDisk
from mycloud.compute.drivers.libvirt import disks, domain
from mycloud.disk.image_spec import ImageSpec
from tests.unit.compute.connections import ISCSI, NBD_TLS

HOST = ThisHost("iqn.2026-11.cloud.mycloud:here", tls=True)


class VolumeDiskTest(testtools.TestCase):
    def element(self, info, **changes):
        disk = VolumeDisk(clock.new_id(), info, "vdb", **changes)
        return disk, disks.element(disk, connectors.connect(info, HOST))

    def test_network_disks_wait_for_their_export(self):
        for info in (NBD_TLS, ISCSI):
            disk, xml = self.element(info)
            self.assertEqual("network", xml.get("type"))
            driver = xml.find("driver").attrib
            self.assertEqual(("stop", "stop"), (driver["error_policy"], driver["rerror_policy"]))
            self.assertEqual(disk.volume_id, xml.findtext("serial"))
            self.assertEqual(f"ua-{disk.volume_id}", xml.find("alias").get("name"))

    def test_secrets_are_named_and_not_told(self):
        _, xml = self.element(ISCSI, secret=b"the-passphrase")
        text = ET.tostring(xml, encoding="unicode")
        self.assertNotIn("the-password", text)
        self.assertNotIn("the-passphrase", text)
        self.assertEqual("the-user", xml.find("source/auth").get("username"))
        self.assertEqual("luks", xml.find("source/encryption").get("format"))
        self.assertEqual(HOST.initiator, xml.find("source/initiator/iqn").get("name"))

    def test_words_have_no_name_of_an_export(self):
        _, xml = self.element(NBD_TLS)
        self.assertEqual("nbd 10.0.0.9:10809", disks.words(xml))
        self.assertEqual("yes", xml.find("source").get("tls"))

    def test_switches(self):
        _, xml = self.element(
            NBD_TLS, read_only=True, shareable=True,
            iotune={"total_iops_sec": 7, "read_bytes_sec": 8},
        )
        self.assertIsNotNone(xml.find("readonly"))
        self.assertIsNotNone(xml.find("shareable"))
        self.assertEqual(("7", "8"), (
            xml.findtext("iotune/total_iops_sec"), xml.findtext("iotune/read_bytes_sec")
        ))
        _, plain = self.element(NBD_TLS)
        for tag in ("readonly", "shareable", "iotune", "boot"):
            self.assertIsNone(plain.find(tag))

    def test_same_place_or_another(self):
        _, one = self.element(NBD_TLS)
        _, same = self.element(NBD_TLS, secret=b"x")
        self.assertEqual(disks.identity(one), disks.identity(same))
        for field, value in (("export", "other"), ("port", 10810), ("host", "10.0.0.8")):
            other = {**NBD_TLS, "data": {**NBD_TLS["data"], field: value}}
            self.assertNotEqual(disks.identity(one), disks.identity(self.element(other)[1]))

    def test_volumes_of_a_definition(self):
        disk, xml = self.element(NBD_TLS)
        root = ET.fromstring(
            "<domain><devices><disk><serial>disk-of-its-own</serial><target dev='vda'/>"
            f"</disk></devices><metadata>{self.swapped('vdc', 'x')}</metadata></domain>"
        )
        root.find("devices").append(xml)
        [(volume_id, found)] = disks.volumes(root).items()
        self.assertEqual((disk.volume_id, "vdb"), (volume_id, found.target))
        root.find("metadata").clear()
        root.find("metadata").append(ET.fromstring(self.swapped("vdb", "another")))
        self.assertEqual(["another"], list(disks.volumes(root)))

    def swapped(self, target, volume):
        return (
            f"<m:swapped xmlns:m='{disks.NAMESPACE}'><disk target='{target}' volume='{volume}'/>"
            "</m:swapped>"
        )


class DomainVolumesTest(testtools.TestCase):
    def definition(self, *volumes, **changes):
        root = Path(self.useFixture(fixtures.TempDir()).path)
        spec = GuestSpec(**{
            "server_id": clock.new_id(), "name": "n", "vcpus": 1, "memory_mb": 96, "root_gb": 1,
            "volumes": volumes, "config_files": {}, **changes,
        })
        sources = {each.volume_id: DiskSource("raw", root / each.volume_id) for each in volumes}
        machine = domain.Machine("qemu", "x86_64", root, sources)
        return ET.fromstring(domain.xml(spec, machine))

    def targets(self, xml):
        return {
            disk.find("target").get("dev"): disk.find("boot").get("order")
            if disk.find("boot") is not None else None
            for disk in xml.findall("devices/disk")
        }

    def test_boot_from_a_volume(self):
        boot = VolumeDisk("b", {}, "vda", boot_index=0)
        data = VolumeDisk("d", {}, "vdc", boot_index=1)
        xml = self.definition(boot, data, ephemeral_gb=1)
        self.assertEqual(
            {"vdb": None, "vda": "1", "vdc": "2", "sda": None}, self.targets(xml)
        )
        self.assertIsNone(xml.find("os/boot"))

    def test_the_guests_own_disks_make_room(self):
        xml = self.definition(
            VolumeDisk("b", {}, "vdb"), VolumeDisk("s", {}, "sda", bus="scsi"), ephemeral_gb=1,
        )
        self.assertEqual(
            {"vda": "1", "vdc": None, "vdb": None, "sda": None, "sdb": None}, self.targets(xml)
        )

    def test_agent_only_where_the_image_has_one(self):
        for value, there in (("yes", True), ("no", False), (None, False)):
            properties = {} if value is None else {"hw_qemu_guest_agent": value}
            xml = self.definition(image=ImageSpec("i", None, "raw", properties=properties))
            self.assertEqual(there, xml.find("devices/channel") is not None)

    def test_tags_are_told_by_the_config_drive(self):
        spec = GuestSpec(
            "s", "n", 1, 96, 1, config_files={"openstack/latest/meta_data.json": b'{"uuid": "s"}'}
        )
        tagged = VolumeDisk("v", {}, "vdb", tag="database")
        found = guest_spec.with_volumes(spec, [tagged, VolumeDisk("w", {}, "vdc")])
        self.assertEqual(2, len(found.volumes))
        meta_data = found.config_files["openstack/latest/meta_data.json"]
        self.assertEqual(
            b'{"uuid": "s", "devices": [{"type": "disk", "bus": "virtio", "path": "/dev/vdb", '
            b'"serial": "v", "tags": ["database"]}]}',
            meta_data,
        )
        plain = GuestSpec("s", "n", 1, 96, 1)
        self.assertIsNone(guest_spec.with_volumes(plain, [tagged]).config_files)
