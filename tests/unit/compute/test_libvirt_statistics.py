"""What libvirt tells of all domains at once, as figures of our guests."""

from xml.etree import ElementTree as ET

import testtools

from mycloud.common import clock
from mycloud.compute.drivers.libvirt import domain
from mycloud.compute.drivers.libvirt.statistics import Figures

VOLUME = "44444444-4444-4444-8444-444444444444"
#: as libvirt 9.0 tells it, of a guest with a disk, a volume and a NIC
STATS = {
    "state.state": 1, "state.reason": 1,
    "cpu.time": 9039553000, "cpu.user": 8219587000, "cpu.system": 819965000,
    "balloon.current": 131072, "balloon.maximum": 262144, "balloon.unused": 64212,
    "balloon.available": 93780, "balloon.usable": 69884, "balloon.rss": 208576,
    "vcpu.current": 2, "vcpu.maximum": 2, "vcpu.0.state": 1, "vcpu.0.time": 8240000000,
    "vcpu.1.time": 500000000,
    "net.count": 1, "net.0.name": "vnet3", "net.0.rx.bytes": 1000, "net.0.rx.pkts": 10,
    "net.0.rx.errs": 1, "net.0.rx.drop": 2, "net.0.tx.bytes": 2000, "net.0.tx.pkts": 20,
    "net.0.tx.errs": 3, "net.0.tx.drop": 4,
    "block.count": 2,
    "block.0.name": "vda", "block.0.path": "/x/disk", "block.0.rd.reqs": 547,
    "block.0.rd.bytes": 16015360, "block.0.rd.times": 34173287, "block.0.wr.reqs": 11,
    "block.0.wr.bytes": 19456, "block.0.wr.times": 12058148, "block.0.fl.reqs": 3,
    "block.0.allocation": 786432, "block.0.capacity": 1073741824, "block.0.physical": 724992,
    "block.1.name": "vdb", "block.1.rd.reqs": 1, "block.1.capacity": 1 << 30,
}  # fmt: skip


class Domain:
    """A domain that counts how often its definition is read."""

    def __init__(self, server_id, number=7):
        self._name = domain.name_of(server_id)
        self.number = number
        self.read = 0

    def name(self):
        return self._name

    def ID(self):
        return self.number

    def XMLDesc(self, flags=0):
        self.read += 1
        root = ET.Element("domain")
        ET.SubElement(root, "title").text = "web"
        space = f"{{{domain.NAMESPACE}}}"
        server = ET.SubElement(ET.SubElement(root, "metadata"), f"{space}server")
        ET.SubElement(server, f"{space}owner", kind="project_id").text = "p"
        devices = ET.SubElement(root, "devices")
        disk = ET.SubElement(devices, "disk")
        ET.SubElement(disk, "target", dev="vdb")
        ET.SubElement(disk, "serial").text = VOLUME
        ET.SubElement(disk, "alias", name=f"ua-volume-{VOLUME}")
        nic = ET.SubElement(devices, "interface")
        ET.SubElement(nic, "target", dev="vnet3")
        ET.SubElement(nic, "mac", address="52:54:00:00:00:01")
        return ET.tostring(root, encoding="unicode")


class Connection:
    """Tells what the test says, and counts the questions."""

    def __init__(self, *told):
        self.told = list(told)
        self.questions = 0

    def getAllDomainStats(self, what, flags):
        self.questions += 1
        return self.told


class FiguresTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.figures = Figures()
        self.dom = Domain("one")

    def all(self, *told):
        return self.figures.all(Connection(*told), lambda server_id: server_id != "theirs")

    def test_all_of_a_guest(self):
        [found] = self.all((self.dom, STATS))
        self.assertEqual(
            ("one", "web", "p", "running", 2, 9.039553, (8.24, 0.5)),
            (found.server_id, found.name, found.project_id, found.power_state, found.vcpus,
             found.cpu_seconds, found.vcpu_seconds),
        )
        self.assertEqual(
            (131072 << 10, (93780 - 69884) << 10, 208576 << 10),
            (found.memory_bytes, found.memory_used_bytes, found.memory_resident_bytes),
        )
        disk, volume = found.disks
        self.assertEqual(
            ("vda", None, 16015360, 547, 19456, 11, 3, 1 << 30, 724992, None),
            (disk.device, disk.volume_id, disk.read_bytes, disk.read_requests, disk.write_bytes,
             disk.write_requests, disk.flush_requests, disk.capacity_bytes,
             disk.allocation_bytes, disk.errors),
        )
        self.assertEqual(("vdb", VOLUME), (volume.device, volume.volume_id))
        [nic] = found.nics
        self.assertEqual(
            ("vnet3", "52:54:00:00:00:01", 1000, 10, 1, 2, 2000, 20, 3, 4),
            (nic.device, nic.mac_address, nic.rx_bytes, nic.rx_packets, nic.rx_errors,
             nic.rx_drop, nic.tx_bytes, nic.tx_packets, nic.tx_errors, nic.tx_drop),
        )

    def test_one_question_for_all(self):
        conn = Connection(*((Domain(str(number)), STATS) for number in range(50)))
        self.assertEqual(50, len(self.figures.all(conn, lambda _: True)))
        self.assertEqual(1, conn.questions)

    def test_definitions_are_read_seldom(self):
        for _ in range(3):
            self.all((self.dom, STATS))
        self.assertEqual(1, self.dom.read)
        more = {**STATS, "block.count": 3, "block.2.name": "vdc"}
        self.all((self.dom, more))
        self.assertEqual(2, self.dom.read)
        self.dom.number = 8
        self.all((self.dom, more))
        self.assertEqual(3, self.dom.read)
        now = clock.monotonic() + 61
        self.patch(clock, "monotonic", lambda: now)
        self.all((self.dom, more))
        self.assertEqual(4, self.dom.read)

    def test_guest_that_libvirt_does_not_wait_for(self):
        [found] = self.all((self.dom, {"state.state": 1, "state.reason": 1}))
        self.assertEqual((0, 0.0, (), None, (), ()), (
            found.vcpus, found.cpu_seconds, found.vcpu_seconds, found.memory_used_bytes,
            found.disks, found.nics))

    def test_domains_of_others(self):
        other = Domain("x")
        other._name = "somebody-elses"
        self.assertEqual([], self.all((Domain("theirs"), STATS), (other, STATS)))
