"""Logs leave a host by name, bounded, and without secrets."""

import base64
import gzip
import os
from pathlib import Path

import fixtures
import testtools
from oslo_config import cfg

from mycloud import conf
from mycloud.agent import logs
from mycloud.agent.host import Host
from mycloud.agent.hypervisor import Hypervisor
from mycloud.agent.verbs import host_logs
from mycloud.common import exceptions, log_setup
from tests.unit.agent.test_statistics import Still

SECRET = "Hunter2zQ9"


class LogsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.hypervisor = Still()
        self.host = Host("host1", self.root, {Hypervisor: self.hypervisor})
        cfg.CONF.reset()
        conf.register_all()
        log_setup.register()
        cfg.CONF([], project="mycloud", default_config_files=[])
        self.addCleanup(cfg.CONF.reset)
        self.addCleanup(cfg.CONF.clear_override, "log_file")
        cfg.CONF.set_override("log_file", str(self.root / "log" / "mycloud-compute.log"))

    def put(self, path, text, age=0):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.utime(place, (1_700_000_000 - age, 1_700_000_000 - age))
        return place

    def text(self, name):
        found = host_logs.one(self.host, name=name)
        return gzip.decompress(base64.b64decode(found["gzip"])).decode()

    def names(self):
        return [each["name"] for each in host_logs.every(self.host)["files"]]

    def test_logs_of_services_and_hypervisor(self):
        self.put("log/mycloud-compute.log", "one\n", age=10)
        self.put("log/mycloud-api.log.1", "two\n", age=20)
        self.put("log/notes.txt", "three\n")
        self.hypervisor.log_files = lambda: [
            self.put("libvirt/log/libvirtd.log", "four\n", age=30),
            self.put("libvirt/log/qemu/mycloud-1.log", "five\n", age=40),
        ]
        self.assertEqual(
            ["services/mycloud-compute.log", "services/mycloud-api.log.1",
             "hypervisor/libvirtd.log", "hypervisor/qemu/mycloud-1.log"],
            self.names(),
        )
        self.assertEqual("five\n", self.text("hypervisor/qemu/mycloud-1.log"))

    def test_secrets_stay(self):
        self.put(
            "log/mycloud-compute.log",
            f"transport_url = rabbit://guest:{SECRET}@h/\nstarts\n-----BEGIN PRIVATE KEY-----\n"
            f"{SECRET}\n-----END PRIVATE KEY-----\n",
        )
        text = self.text("services/mycloud-compute.log")
        self.assertNotIn(SECRET, text)
        self.assertIn("starts", text)
        self.assertIn("statistics_interval", host_logs.every(self.host)["options"])

    def test_only_the_end_of_a_long_one(self):
        line = f"password = {SECRET} and more of it\n"
        self.put("log/mycloud-compute.log", line * (3 * logs.FILE_BYTES // len(line)))
        found = logs.read(self.host, "services/mycloud-compute.log")
        text = gzip.decompress(found.gzipped).decode()
        self.assertTrue(text.startswith("password = ***"))
        self.assertNotIn(SECRET, text)
        self.assertLess(len(text), logs.FILE_BYTES)
        self.assertGreater(found.left_out_bytes, logs.FILE_BYTES)
        [listed] = logs.every(self.host)
        self.assertEqual(logs.FILE_BYTES, listed.taken_bytes)

    def test_all_together_are_bounded(self):
        for number in range(40):
            place = self.put(f"log/{number:02d}.log", "", age=number)
            os.truncate(place, logs.FILE_BYTES)
            os.utime(place, (1_700_000_000 - number,) * 2)
        found = logs.every(self.host)
        self.assertEqual(logs.ALL_BYTES, sum(each.taken_bytes for each in found))
        self.assertEqual("services/00.log", found[0].name)
        self.assertEqual(0, found[-1].taken_bytes)

    def test_names_that_lead_elsewhere(self):
        self.put("secret", SECRET)
        self.put("log/one.log", "one\n")
        (self.root / "log" / "two.log").symlink_to(self.root / "secret")
        (self.root / "log" / "three.log").mkdir()
        self.assertEqual(["services/one.log"], self.names())
        for name in ("services/two.log", "services/../secret", "/etc/passwd", "", "services/x",
                     "../../etc/passwd", "services/three.log"):
            self.assertRaises(exceptions.LogNotFound, host_logs.one, self.host, name=name)

    def test_bytes_that_are_no_text(self):
        self.put("log/one.log", b"\xff\xfe\x00 broken\n")
        self.assertIn("broken", self.text("services/one.log"))

    def test_no_files(self):
        cfg.CONF.set_override("log_file", None)
        self.assertEqual([], self.names())
