"""The definition of a guest carries ids, and survives any name a person may give."""

from pathlib import Path
from xml.etree import ElementTree as ET

import testtools

from mycloud.common import clock
from mycloud.compute.drivers.base import GuestSpec
from mycloud.compute.drivers.libvirt import domain
from mycloud.disk.image_spec import ImageSpec


class DomainTest(testtools.TestCase):
    def xml(self, virt_type="qemu", **changes):
        spec = GuestSpec(**{
            "server_id": clock.new_id(), "name": "n", "vcpus": 2, "memory_mb": 96,
            "root_gb": 1, "image": ImageSpec("the-image", None, "raw"), **changes,
        })
        machine = domain.Machine(virt_type, "x86_64", Path("/srv/instances", spec.server_id))
        return spec, ET.fromstring(domain.xml(spec, machine))

    def test_ids_of_the_owners(self):
        spec, xml = self.xml(metadata={"project_id": "p", "flavor": "tiny"})
        self.assertEqual(f"mycloud-{spec.server_id}", xml.findtext("name"))
        self.assertEqual(spec.server_id, domain.server_id_of(xml.findtext("name")))
        self.assertEqual(spec.server_id, xml.findtext("uuid"))
        server = xml.find(f"metadata/{{{domain.NAMESPACE}}}server")
        self.assertEqual(spec.server_id, server.get("id"))
        owners = {
            each.get("kind"): each.text
            for each in server.findall(f"{{{domain.NAMESPACE}}}owner")
        }
        self.assertEqual({"project_id": "p", "flavor": "tiny"}, owners)
        self.assertIsNone(domain.server_id_of("somebody-elses"))

    def test_name_with_anything_in_it(self):
        _, xml = self.xml(name='<a b="c">&\x00\x1b\n\ud800 ü 😀')
        self.assertEqual('<a b="c">&     ü 😀', xml.findtext("title"))

    def test_disks_in_order_with_serials(self):
        spec, xml = self.xml(ephemeral_gb=1, swap_mb=1, config_files={})
        found = [
            (
                disk.find("target").get("dev"), disk.find("driver").get("type"),
                Path(disk.find("source").get("file")).name, disk.findtext("serial"),
            )
            for disk in xml.findall("devices/disk")
        ]
        self.assertEqual(
            [
                ("vda", "qcow2", "disk", f"disk-{spec.server_id}"[:20]),
                ("vdb", "raw", "disk.eph0", f"disk.eph0-{spec.server_id}"[:20]),
                ("vdc", "raw", "disk.swap", f"disk.swap-{spec.server_id}"[:20]),
                ("sda", "raw", "disk.config", None),
            ],
            found,
        )

    def test_processor_by_accelerator(self):
        for virt_type, mode in (("kvm", "host-passthrough"), ("qemu", "maximum")):
            _, xml = self.xml(virt_type)
            self.assertEqual(virt_type, xml.get("type"))
            self.assertEqual(mode, xml.find("cpu").get("mode"))
