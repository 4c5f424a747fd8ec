"""A host with a real guest is watched: its figures are QEMU's, its logs have no secrets."""

import io
import json
import tarfile
import urllib.request
from pathlib import Path
from xml.etree import ElementTree as ET

import libvirt
import testtools
from prometheus_client.parser import text_string_to_metric_families

from tests.fixtures import guest_cloud
from tests.fixtures.guest_cloud import SOON, GuestCloud
from tests.fixtures.program import wait_for

_MIB = 1 << 20
_SECRET = "Hunter2zQ9"


@guest_cloud.needs_guests
class HostWatchTest(testtools.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cloud = GuestCloud({"nbd": "export_protocol = nbd"})
        cls.cloud.setUp()
        cls.addClassCleanup(cls.cloud.cleanUp)
        [cls.host] = cls.cloud.hosts
        cls.guest = cls.cloud.boot("watched")
        cls.volume = cls.cloud.volume("nbd")
        cls.device = cls.guest.attach(cls.volume.id)

    def stats(self):
        return self.cloud.admin.hosts.stats(self.host)

    def server(self):
        """The guest in the figures of its host, once two samples were taken of it with its volume.
        """
        def found():
            ours = [
                each for each in self.stats()["servers"] if each["server_id"] == self.guest.id
            ]
            if not ours:
                return None
            [one] = ours
            rated = {each["volume_id"]: each["read_bytes_per_s"] for each in one["disks"]}
            return one if rated.get(self.volume.id) is not None else None

        return wait_for(found, "the host has two samples of the guest with its volume", SOON)

    def volume_disk(self, server):
        [disk] = [each for each in server["disks"] if each["volume_id"] == self.volume.id]
        return disk

    def diagnostics(self, version):
        transport = self.cloud.admin.transport
        headers = {"X-Auth-Token": transport.access().auth_token,
                   "OpenStack-API-Version": f"compute {version}"}
        url = f"{transport.endpoint('compute')}/servers/{self.guest.id}/diagnostics"
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return json.load(answer)

    def test_figures_follow_the_guest(self):
        before = self.server()
        self.assertEqual(("watched", "running", 1, 128 * _MIB), (
            before["name"], before["power_state"], before["vcpus"], before["memory_bytes"]))
        self.assertEqual(self.cloud.member.project_id, before["project_id"])
        self.assertGreater(before["memory_used_bytes"], 0)
        self.assertLess(before["memory_used_bytes"], 128 * _MIB)
        self.assertGreater(before["memory_resident_bytes"], 64 * _MIB)
        written = self.volume_disk(before)["write_bytes"]
        self.guest.fill(self.device, "counted", 4)
        self.guest.shell.result(SOON)
        wait_for(
            lambda: self.volume_disk(self.server())["write_bytes"] >= written + 4 * _MIB,
            "what the guest has written is counted", SOON,
        )
        self.assertEqual(1 << 30, self.volume_disk(self.server())["capacity_bytes"])
        self.assertGreater(self.server()["cpu_seconds"], before["cpu_seconds"])
        told = self.stats()
        self.assertTrue(0 <= told["cpu"]["used_percent"] <= 100)
        self.assertIs(True, told["hypervisor"]["answers"])
        self.assertLess(told["took_seconds"], 5)

    def test_prometheus(self):
        self.server()
        details = self.cloud.admin.hosts.details(self.host)
        with urllib.request.urlopen(f"{details.agent_url}/metrics") as answer:
            self.assertIn("version=0.0.4", answer.headers["Content-Type"])
            text = answer.read().decode()
        found = {family.name: family for family in text_string_to_metric_families(text)}
        [spent] = found["mycloud_server_cpu_seconds"].samples
        self.assertEqual((self.guest.id, "watched"),
                         (spent.labels["server_id"], spent.labels["name"]))
        self.assertGreater(spent.value, 0)
        volumes = {sample.labels["volume_id"]
                   for sample in found["mycloud_server_disk_written_bytes"].samples}
        self.assertEqual({"", self.volume.id}, volumes)
        self.assertEqual(1, found["mycloud_hypervisor_up"].samples[0].value)

    def test_diagnostics(self):
        found = self.diagnostics("2.60")
        self.assertEqual(("running", "libvirt", "qemu", 1, 128), (
            found["state"], found["driver"], found["hypervisor"], found["num_cpus"],
            found["memory_details"]["maximum"]))
        self.assertEqual(found["num_disks"], len(found["disk_details"]))
        self.assertGreater(found["cpu_details"][0]["time"], 100_000_000)
        self.assertGreater(found["uptime"], 0)
        self.assertGreater(max(disk["read_bytes"] for disk in found["disk_details"]), 0)
        free = self.diagnostics("2.40")
        self.assertGreater(free["vda_read"], 0)
        self.assertEqual((128 * 1024, -1), (free["memory"], free["vda_errors"]))

    def test_what_the_host_is(self):
        details = self.cloud.admin.hosts.details(self.host)
        self.assertIsNone(details.reason)
        self.assertLessEqual({"libvirt", "qemu", "kernel"}, set(details.facts["versions"]))
        row = next(iter(self.cloud.admin.hosts.list()))
        document = row.document
        self.assertEqual("127.0.0.1", document["host_ip"])
        # the guest's disks may still grow
        self.assertLess(document["disk_available_least"], document["local_gb"])

    def test_logs_have_no_secrets(self):
        with (self.cloud.layout.logs / "mycloud-all.log").open("a") as log:
            log.write(f"\n'auth_password': '{_SECRET}' rabbit://guest:{_SECRET}@h/\n")
            log.write(f"-----BEGIN PRIVATE KEY-----\n{_SECRET}\n-----END PRIVATE KEY-----\n")
        name, blocks = self.cloud.admin.hosts.logs(self.host)
        with tarfile.open(fileobj=io.BytesIO(b"".join(blocks))) as archive:
            members = {
                Path(*Path(member.name).parts[1:]).as_posix():
                    archive.extractfile(member).read().decode()
                for member in archive.getmembers()
            }
        self.assertTrue(name.startswith(f"mycloud-{self.host}-"))
        self.assertIn("logs/services/mycloud-all.log", members)
        [qemu] = [text for path, text in members.items() if self.guest.id in path]
        self.assertIn("qemu-system", qemu)
        operations = json.loads(members["operations.json"])
        self.assertIn("server.create", [each["kind"] for each in operations])
        password = self.cloud.admin.transport.config.auth["password"]
        for secret in (_SECRET, password, self.export_name(), "PRIVATE KEY-----\nMII"):
            self.assertEqual([], [path for path, text in members.items() if secret in text])

    def export_name(self):
        """What opens the volume's export for anybody who knows it."""
        conn = libvirt.open(self.cloud.libvirtd().uri())
        try:
            definition = ET.fromstring(conn.lookupByUUIDString(self.guest.id).XMLDesc())
        finally:
            conn.close()
        return definition.find("devices/disk/source[@protocol='nbd']").get("name")
