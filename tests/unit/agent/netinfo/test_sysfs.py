"""What files tell of NICs, on a tree of the test's own."""

from pathlib import Path

import fixtures
import testtools

from mycloud.agent.netinfo.sysfs import Files
from mycloud.common import exceptions


class FilesTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.files = Files(sys=self.root / "sys", resolv_conf=self.root / "resolv.conf")
        self.nic = self.root / "sys/class/net/eth0"
        device = self.root / "sys/devices/pci0000:00/0000:00:02.0"
        driver = self.root / "sys/bus/pci/drivers/igb"
        for each in (self.nic, device, driver):
            each.mkdir(parents=True)
        (self.nic / "device").symlink_to(device)
        (device / "driver").symlink_to(driver)

    def write(self, **lines):
        for name, text in lines.items():
            (self.nic / name).write_text(f"{text}\n")

    def test_a_nic(self):
        self.write(speed=10000, duplex="full")
        (self.nic / "device/sriov_totalvfs").write_text("8\n")
        (self.nic / "device/sriov_numvfs").write_text("3\n")
        self.assertEqual(
            {
                "driver": "igb", "bus": "0000:00:02.0", "speed_mbps": 10000, "duplex": "full",
                "sriov": {"total": 8, "vfs": 3},
            },
            self.files.nic("eth0"),
        )
        self.assertEqual(8, self.files.total_virtual_functions("eth0"))

    def test_what_is_not_known(self):
        for speed in ("-1", "4294967295", "", "fast"):
            self.write(speed=speed, duplex="unknown")
            found = self.files.nic("eth0")
            self.assertEqual((None, None, None), tuple(
                found[name] for name in ("speed_mbps", "duplex", "sriov")
            ))
        self.assertEqual({None}, set(self.files.nic("gone").values()))
        self.assertEqual(0, self.files.total_virtual_functions("gone"))

    def test_names_lead_nowhere_else(self):
        for name in ("../../bus", "..", "a/b", ""):
            self.assertRaises(exceptions.BadField, self.files.nic, name)

    def test_name_servers(self):
        self.assertEqual([], self.files.name_servers())
        self.files.resolv_conf.write_text(
            "# nameserver 192.0.2.1\nsearch example.org\nnameserver 192.0.2.53\n"
            "nameserver fe80::1%eth0 \nnameserver\noptions rotate\n"
        )
        self.assertEqual(["192.0.2.53", "fe80::1%eth0"], self.files.name_servers())
