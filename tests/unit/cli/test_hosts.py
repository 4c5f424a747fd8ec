"""mycloud host show, stats, logs: for persons and for programs."""

import io
import os
import pty

from mycloud.cli.app import MycloudApp
from mycloud.cli.hosts import stats
from tests.fixtures.fake_cloud import Reply
from tests.unit.cli.case import CliCase

ID = "55555555-5555-4555-8555-555555555555"
HYPERVISORS = "/compute/v2.1/os-hypervisors"
HOST = "/cloud/v1/hosts/node-1"
HYPERVISOR = {
    "id": ID, "hypervisor_hostname": "node-1", "state": "up", "status": "enabled",
    "service": {"host": "node-1"}, "vcpus": 4, "memory_mb": 1024, "running_vms": 1,
}
GIB = 1 << 30
TOLD = {
    "answers": True,
    "reason": None,
    "agent_url": "http://10.0.0.1:54321",
    "facts": {
        "operating_system": "Debian GNU/Linux 12",
        "booted_at": "2026-01-01T00:00:00Z",
        "cpu": {"model": "EPYC", "architecture": "x86_64", "cpus": 8, "sockets": 1,
                "cores_per_socket": 4, "threads_per_core": 2, "flags": ["avx"]},
        "numa": [{"node": 0, "cpus": "0-7", "memory_bytes": 8 * GIB, "free_bytes": GIB}],
        "memory": {"total_bytes": 8 * GIB, "available_bytes": 4 * GIB, "swap_total_bytes": 0,
                   "huge_pages": [{"size_bytes": 2 << 20, "total": 3, "free": 1}]},
        "disks": [{"device": "sda", "size_bytes": 100 * GIB, "model": "FAST", "rotational": False,
                   "read_only": False}],
        "file_systems": [{"path": "/var/lib/mycloud", "size_bytes": GIB, "free_bytes": GIB}],
        "hardware": {"manufacturer": "ACME", "serial": None, "reason": "no helper"},
        "versions": {"kernel": "6.1", "libvirt": "9.0.0"},
    },
    "network": {
        "nics": {"eth0": {"mac": "52:54:00:00:00:01", "mtu": 1500, "carrier": True,
                          "link_state": "up", "master": "br0", "speed_mbps": 10000,
                          "driver": "virtio_net", "addresses": []}},
        "bonds": {"bond0": {"mode": "active-backup", "members": ["eth1", "eth2"], "mtu": 1500,
                            "carrier": False, "link_state": "down", "addresses": []}},
        "bridges": {"br0": {"ports": ["eth0"], "mtu": 1500, "carrier": True, "addresses": [
            {"address": "10.0.0.5/24", "scope": "global"},
            {"address": "fe80::1/64", "scope": "link"}]}},
        "vlans": {"eth0.5": {"vlan": 5, "parent": "eth0", "mtu": 1500, "carrier": True}},
        "default_route": {"inet": {"gateway": "10.0.0.1", "device": "br0"}, "inet6": None},
        "name_servers": ["10.0.0.2"],
    },
    "lldp": {"eth0": {"enabled": True, "neighbours": [
        {"system_name": "switch-7", "port_id": "ge-0/0/1", "vlan": 5,
         "management_addresses": ["10.9.9.9"]}]},
        "eth1": {"enabled": False, "neighbours": []}},
    "errors": {},
}
STATS = {
    "host": "node-1", "taken_at": "2026-01-01T00:00:00.000Z", "seconds_between": 5.0,
    "hypervisor": {"answers": True, "reason": None},
    "cpu": {"cpus": 8, "used_percent": 12.5, "seconds": {}},
    "load": [0.5, 0.25, 1.0],
    "memory": {"total_bytes": 8 * GIB, "used_percent": 50.0},
    "file_systems": [{"path": "/srv", "size_bytes": GIB, "free_bytes": GIB}],
    "disks": [{"device": "sda", "read_bytes_per_s": 2048.0, "write_bytes_per_s": None}],
    "networks": [{"device": "eth0", "rx_bytes_per_s": 1.0, "tx_bytes_per_s": 2.0}],
    "servers": [{
        "server_id": "s1", "name": "web", "power_state": "running", "cpu_percent": 150.0,
        "memory_bytes": GIB, "memory_used_bytes": GIB // 2,
        "disks": [{"read_bytes_per_s": 1024.0, "write_bytes_per_s": 0.0},
                  {"read_bytes_per_s": 1024.0, "write_bytes_per_s": None}],
        "nics": [],
    }],
}


class HostCase(CliCase):
    def setUp(self):
        super().setUp()
        self.cloud.on("GET", f"{HYPERVISORS}/node-1", Reply(404, {"itemNotFound": {}}))
        listed = Reply(200, {"hypervisors": [HYPERVISOR]})
        self.cloud.on("GET", f"{HYPERVISORS}/detail", listed)
        self.cloud.on("GET", HOST, Reply(200, {"host": TOLD}))
        self.cloud.on("GET", f"{HOST}/stats", Reply(200, {"stats": STATS}))


class ShowTest(HostCase):
    def test_sections_for_a_person(self):
        shown = self.run_cli("host", "show", "node-1")
        self.assertEqual(0, shown.status, shown.err)
        for words in (
            "8 CPUs: 1 socket of 4 cores of 2 threads", "8.0 GiB, 4.0 GiB available",
            "3 huge pages of 2.0 MiB, 1 free", "sda  100.0 GiB  FAST  solid",
            "eth0  up  10000 Mb/s  virtio_net  52:54:00:00:00:01  MTU 1500  port of br0",
            "bond0  down  active-backup  of eth1, eth2", "br0  up  ports eth0  MTU 1500  10.0.0.5",
            "eth0.5  up  tag 5  on eth0", "10.0.0.1 by br0", "switch-7, port ge-0/0/1, VLAN 5",
            "eth1: not listened to", "kernel='6.1'", "manufacturer='ACME'", "memory_mb",
        ):
            self.assertIn(words, shown.out)
        self.assertNotIn("fe80", shown.out)

    def test_documents_for_a_program(self):
        shown = self.run_cli("host", "show", "node-1", "-f", "json").document
        self.assertEqual((4, "up", ID), (shown["vcpus"], shown["state"], shown["id"]))
        self.assertEqual(TOLD["facts"]["cpu"], shown["cpu"])
        self.assertEqual(TOLD["lldp"], shown["lldp_neighbours"])
        self.assertEqual({"kernel": "6.1", "libvirt": "9.0.0"}, shown["versions"])

    def test_host_that_does_not_answer(self):
        silent = {**TOLD, "answers": False, "reason": "it has not reported", "facts": None,
                  "network": None, "lldp": None, "agent_url": None}
        self.cloud.on("GET", HOST, Reply(200, {"host": silent}))
        shown = self.run_cli("host", "show", "node-1")
        self.assertEqual(0, shown.status, shown.err)
        self.assertIn("it has not reported", shown.out)

    def test_part_that_is_not_known(self):
        told = {**TOLD, "lldp": None, "errors": {"lldp": "The host has no LLDP daemon."}}
        self.cloud.on("GET", HOST, Reply(200, {"host": told}))
        self.assertIn("lldp: The host has no LLDP", self.run_cli("host", "show", "node-1").out)

    def test_cloud_that_knows_only_compute(self):
        self.cloud.services.remove("mycloud")
        shown = self.run_cli("host", "show", "node-1", "-f", "json").document
        self.assertNotIn("cpu", shown)
        self.assertEqual(4, shown["vcpus"])


class StatsTest(HostCase):
    def test_once(self):
        shown = self.run_cli("host", "stats", "node-1")
        self.assertEqual(0, shown.status, shown.err)
        for words in (
            "CPU 12.5 % of 8  load 0.50 0.25 1.00  memory 50.0 % of 8.0 GiB",
            "disk sda: reads 2.0 KiB/s, writes -", "server web (s1) running  CPU 150.0 %",
            "memory 512.0 MiB of 1.0 GiB  disks 2.0 KiB/s read, 0 B/s written",
        ):
            self.assertIn(words, shown.out)
        self.assertEqual(STATS, self.run_cli("host", "stats", "node-1", "-f", "json").document)

    def test_wrong_interval(self):
        shown = self.run_cli("host", "stats", "node-1", "--follow", "--interval", "0")
        self.assertEqual((2, True), (shown.status, "--interval" in shown.err))

    def test_host_that_does_not_answer(self):
        silent = {"error": {"code": 409, "message": "Compute host node-1 does not answer: x"}}
        self.cloud.on("GET", f"{HOST}/stats", Reply(409, silent))
        shown = self.run_cli("host", "stats", "node-1")
        self.assertEqual((1, True), (shown.status, "does not answer" in shown.err))

    def follow(self, stdout):
        """Follow, and press Ctrl-C in the second pause."""
        pauses = []

        def pause(seconds):
            pauses.append(seconds)
            if len(pauses) == 2:
                raise KeyboardInterrupt

        self.patch(stats.concurrency, "sleep", pause)
        err = io.StringIO()
        words = ["host", "stats", "node-1", "--follow", "--interval", "1.5"]
        status = MycloudApp(stdout=stdout, stderr=err).run(words)
        self.assertEqual((0, "", [1.5, 1.5]), (status, err.getvalue(), pauses))

    def test_follow_in_a_pipe(self):
        out = io.StringIO()
        self.follow(out)
        self.assertEqual(2, out.getvalue().count("CPU 12.5 % of 8"))
        self.assertNotIn("\x1b", out.getvalue())

    def test_follow_on_a_terminal(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        with os.fdopen(theirs, "w") as terminal:
            self.follow(terminal)
            said = os.read(ours, 65536).decode()
        self.assertIn("CPU 12.5 %", said)
        self.assertIn("\x1b[", said)


class LogsTest(HostCase):
    def setUp(self):
        super().setUp()
        name = 'attachment; filename="mycloud-node-1.tar.gz"'
        headers = {"Content-Type": "application/gzip", "Content-Disposition": name}
        self.cloud.on("GET", f"{HOST}/logs", Reply(200, b"\x1f\x8b archive", headers))

    def test_to_a_file_or_a_folder(self):
        for place in (self.folder / "given.tgz", self.folder):
            shown = self.run_cli("host", "logs", "node-1", "--output", str(place))
            self.assertEqual(0, shown.status, shown.err)
        for name in ("given.tgz", "mycloud-node-1.tar.gz"):
            path = self.folder / name
            self.assertEqual(b"\x1f\x8b archive", path.read_bytes())
            self.assertEqual(0o600, path.stat().st_mode & 0o777)
        self.assertEqual([], list(self.folder.glob("*.part")))

    def test_file_that_cannot_be(self):
        shown = self.run_cli("host", "logs", "node-1", "--output", "/nowhere/x")
        self.assertEqual((2, True), (shown.status, "--output" in shown.err))

    def test_name_that_leads_elsewhere(self):
        headers = {"Content-Disposition": 'attachment; filename="../../evil"'}
        self.cloud.on("GET", f"{HOST}/logs", Reply(200, b"x", headers))
        self.run_cli("host", "logs", "node-1", "--output", str(self.folder))
        self.assertEqual(b"x", (self.folder / "host-logs.tar.gz").read_bytes())
