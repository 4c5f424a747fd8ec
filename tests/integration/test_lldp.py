"""A real lldpd or lldpad hears what an lldpd in the switch's place tells over a cable."""

import subprocess
import unittest
from pathlib import Path

import fixtures
import testtools

from mycloud.agent.host import Host
from mycloud.agent.netinfo.facts import Facts
from mycloud.agent.verbs import lldp
from mycloud.common import exceptions
from tests.fixtures.mounts import have, needs_root
from tests.fixtures.network_namespace import NetworkNamespace
from tests.fixtures.privileged import PrivilegedHelper
from tests.fixtures.program import wait_for

#: where the root helper's lldpcli looks for the host's daemon
SOCKET = Path("/run/lldpd.socket")


@needs_root
@unittest.skipUnless(have("lldpd"), "lldpd is not installed")
@unittest.skipIf(SOCKET.exists(), "this machine has an lldpd of its own")
class LldpCase(testtools.TestCase):
    """:ivar inside: the host; its ``eth0`` and ``eth1`` are plugged into ``switch``"""

    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        # the daemon becomes another user
        self.root.chmod(0o755)
        self.inside, self.switch = NetworkNamespace(), NetworkNamespace()
        self.addCleanup(self.switch.close)
        self.addCleanup(self.inside.close)
        self.inside.pair("eth0", self.switch, "ge-0.0.7")
        self.inside.pair("eth1", self.switch, "ge-0.0.8")
        self.switch.ip("addr", "add", "192.0.2.8/24", "dev", "ge-0.0.7")
        facts = Facts()
        with self.inside.entered():
            facts.start()
        self.addCleanup(facts.stop)
        self.host = Host("here", self.root, {Facts: facts})
        self.useFixture(PrivilegedHelper(netns=self.inside.name))

    def run_daemon(self, namespace, *command):
        """Run a program until the test ends."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", namespace.name, *command],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.terminate)

    def lldpd(self, namespace, socket):
        """Run lldpd until the test ends."""
        self.addCleanup(socket.unlink, missing_ok=True)
        self.run_daemon(namespace, "lldpd", "-d", "-u", str(socket), "-O", "/dev/null")
        wait_for(lambda: self.cli(socket, "show", "configuration") == 0, "lldpd answers")

    @staticmethod
    def cli(socket, *words):
        return subprocess.run(
            ["lldpcli", "-u", str(socket), *words], capture_output=True, check=False
        ).returncode

    def switch_tells(self):
        """The switch begins to say who it is."""
        there = self.root / "switch.socket"
        self.lldpd(self.switch, there)
        for words in (
            "configure system hostname sw7", "configure ports ge-0.0.7 lldp portdescription rack5",
            "configure lldp tx-interval 1",
        ):
            self.assertEqual(0, self.cli(there, *words.split()))

    def check_neighbour(self):
        """The host has heard the switch."""
        found = wait_for(
            lambda: (told := lldp.info(self.host))["eth0"]["neighbours"]
            and told["eth0"]["neighbours"][0]["port_description"] == "rack5" and told,
            "the switch is heard",
        )
        self.assertEqual({"eth0", "eth1"}, set(found))
        [neighbour] = found["eth0"]["neighbours"]
        mac = self.switch.ip_json("link", "show", "dev", "ge-0.0.7")[0]["address"]
        self.assertEqual(("sw7", mac), (neighbour["system_name"], neighbour["port_id"]))
        self.assertIn("192.0.2.8", neighbour["management_addresses"])
        self.assertTrue(found["eth0"]["enabled"])
        self.assertEqual("Chassis ID", found["eth0"]["tlvs"][0]["name"])

    def check_switch(self):
        """The daemon can be told to listen no more, and to listen again."""
        told = lldp.switch(self.host, device="eth0", on=False)
        self.assertEqual([False], [each["enabled"] for each in told.values()])
        self.assertTrue(lldp.switch(self.host, device="eth0", on=True)["eth0"]["enabled"])


class LldpdTest(LldpCase):
    def test_neighbours_of_a_cable(self):
        self.lldpd(self.inside, SOCKET)
        self.switch_tells()
        self.check_neighbour()
        self.check_switch()

    def test_no_daemon(self):
        refused = self.assertRaises(exceptions.LldpUnavailable, lldp.info, self.host)
        self.assertIn("neither lldpd nor lldpad answers. Install lldpd", str(refused))

    def test_unknown_interfaces(self):
        for call in (
            lambda: lldp.info(self.host, devices=["eth7"]),
            lambda: lldp.switch(self.host, device="lo", on=True),
        ):
            refused = self.assertRaises(exceptions.NoSuchInterface, call)
            self.assertIn("it has eth0, eth1", str(refused))


@unittest.skipUnless(have("lldpad"), "lldpad is not installed")
class LldpadTest(LldpCase):
    def test_neighbours_of_a_cable(self):
        # what it keeps in shared memory goes with it
        self.run_daemon(
            self.inside, "sh", "-c",
            f"mount -t tmpfs lldpad /dev/shm && exec lldpad -t -f {self.root}/lldpad.conf",
        )
        self.switch_tells()
        wait_for(lambda: not lldp.info(self.host)["eth0"]["enabled"], "lldpad answers")
        # it is off until told otherwise
        self.assertTrue(lldp.switch(self.host, device="eth0", on=True)["eth0"]["enabled"])
        self.check_neighbour()
        self.check_switch()
