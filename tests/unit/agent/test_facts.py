"""What a host is: read from the kernel, with the root helper's part or without it."""

import json
from pathlib import Path

import fixtures
import testtools

from mycloud.agent.facts import document, machine
from mycloud.agent.host import Host
from mycloud.agent.hypervisor import Hypervisor
from mycloud.agent.verbs import host_facts
from mycloud.common import exceptions
from mycloud.privileged import client
from tests.unit.agent.test_statistics import Still

CPUINFO = """\
processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC
flags\t\t: sse2 fpu avx

processor\t: 1
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC
"""


class MachineTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)

    def put(self, path, text):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def test_two_sockets_with_threads(self):
        self.put("proc/cpuinfo", CPUINFO)
        for number in range(8):
            base = f"sys/devices/system/cpu/cpu{number}/topology"
            self.put(f"{base}/physical_package_id", f"{number // 4}\n")
            self.put(f"{base}/core_id", f"{number % 2}\n")
        # off, and none at all
        (self.root / "sys/devices/system/cpu/cpu8").mkdir()
        (self.root / "sys/devices/system/cpu/cpufreq").mkdir()
        found = machine.cpu(self.root)
        self.assertEqual(
            ("AMD EPYC", "AuthenticAMD", 8, 2, 2, 2, ["avx", "fpu", "sse2"]),
            tuple(found[key] for key in (
                "model", "vendor", "cpus", "sockets", "cores_per_socket", "threads_per_core",
                "flags",
            )),
        )

    def test_nodes_and_pages_and_disks(self):
        for number in (10, 2):
            base = f"sys/devices/system/node/node{number}"
            self.put(f"{base}/cpulist", "0-3\n")
            self.put(f"{base}/meminfo", f"Node {number} MemTotal:  2048 kB\nNode 2 x\n")
        self.put("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "4\n")
        self.put("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "3\n")
        self.put("sys/block/nvme0n1/size", "2048\n")
        self.put("sys/block/nvme0n1/device/model", "FAST 1 \n")
        self.put("sys/block/nvme0n1/queue/rotational", "0\n")
        self.put("sys/block/loop0/size", "2048\n")
        self.assertEqual(
            [(2, "0-3", 2 << 20), (10, "0-3", 2 << 20)],
            [(each["node"], each["cpus"], each["memory_bytes"])
             for each in machine.numa(self.root)],
        )
        self.assertEqual(
            [{"size_bytes": 2 << 20, "total": 4, "free": 3}], machine.huge_pages(self.root)
        )
        [disk] = machine.disks(self.root)
        self.assertEqual(
            ("nvme0n1", 1 << 20, "FAST 1", False),
            (disk["device"], disk["size_bytes"], disk["model"], disk["rotational"]),
        )

    def test_machine_that_tells_nothing(self):
        found = machine.cpu(self.root)
        self.assertEqual((1, 1, None), (found["cpus"], found["sockets"], found["model"]))
        self.assertEqual([], machine.numa(self.root))
        self.assertIsNone(machine.hardware(self.root)["manufacturer"])
        self.assertIsNone(machine.operating_system(self.root))


class FactsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.state = Path(self.useFixture(fixtures.TempDir()).path)
        self.hypervisor = Still()
        self.host = Host("host1", self.state, {Hypervisor: self.hypervisor})
        self.addCleanup(client.use, client.current())
        client.use(None)

    def test_this_machine(self):
        found = host_facts.facts(self.host)
        json.dumps(found)
        self.assertGreater(found["cpu"]["cpus"], 0)
        self.assertEqual({"answers": True, "reason": None}, found["hypervisor"])
        self.assertIn("kernel", found["versions"])
        self.assertEqual(str(self.state), found["file_systems"][0]["path"])

    def test_hypervisor_that_does_not_answer(self):
        def gone():
            raise exceptions.HypervisorUnavailable(reason="gone", remedy="Wait.")

        self.hypervisor.versions = gone
        found = host_facts.facts(self.host)["hypervisor"]
        self.assertIs(False, found["answers"])
        self.assertIn("gone", found["reason"])

    def test_without_a_root_helper(self):
        self.assertTrue(document.hardware()["reason"])
        client.configure(self.state)
        found = document.hardware()
        self.assertIn("no socket", found["reason"])
        self.assertIn("architecture", found)
