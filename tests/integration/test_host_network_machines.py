"""The networks of a second machine, changed by the control plane: what cuts it off is taken
back, whoever dies meanwhile."""

from __future__ import annotations

import json
import os
import signal
import unittest
from typing import Any

import testtools

from mycloud import client
from mycloud.client import errors
from mycloud.client.host_networks import HostNetwork
from mycloud.client.operations import Operation
from mycloud.disk import processes
from mycloud.local import credentials
from mycloud.local.layout import Layout
from tests.fixtures import postgresql, rabbitmq, second_machine
from tests.fixtures.local_cloud import LocalCloud
from tests.fixtures.program import wait_for
from tests.fixtures.second_machine import CONTROL, NODE, OwnNetwork, SecondMachine

_WHY_NOT = rabbitmq.why_not() or postgresql.why_not() or second_machine.why_not()
NAME = "second"
GOOD = {
    "networks": {
        "management": {"nic": "cable", "addresses": [f"{NODE}/24"]},
        "guests": {"nic": "spare", "bridged": True},
    }
}
CUT_OFF = {"networks": {"management": {"nic": "cable", "addresses": ["203.0.113.9/24"]}}}
#: Seconds of a checkpoint: the way back, and the time in which somebody is killed.
PATIENCE = 20


@unittest.skipIf(_WHY_NOT, _WHY_NOT)
class CutOffTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(OwnNetwork())
        self.machine = self.useFixture(SecondMachine())
        self.machine.run("ip", "link", "add", "spare", "type", "veth", "peer", "name", "other")
        bus = self.useFixture(rabbitmq.RabbitMQ(CONTROL))
        database = self.useFixture(postgresql.PostgreSQL())
        self.cloud = self.useFixture(LocalCloud())
        self.cloud.up(
            "--hypervisor", "fake", "--processes", "--listen", CONTROL, "--transport-url",
            bus.url, "--database", database.url,
        )
        layout = Layout(self.cloud.state)
        self.admin = client.connect(None, **credentials.of(layout, credentials.ADMIN))
        token = self.admin.node_tokens.create().token
        self.machine.mycloud("node", "join", token, "--name", NAME, "--hypervisor", "fake")

    def addresses(self) -> dict[str, list[str]]:
        told = json.loads(self.machine.run("ip", "-j", "-4", "address").stdout)
        return {
            link["ifname"]: [each["local"] for each in link["addr_info"]]
            for link in told if link.get("addr_info")
        }

    def apply(self, document: dict[str, Any], **more: Any) -> str:
        _, accepted = self.admin.host_networks.apply(NAME, document, **more)
        assert accepted.operation_id is not None
        return accepted.operation_id

    def ended(self, operation_id: str) -> Operation:
        found: Operation = wait_for(
            lambda: (one := self.admin.operations.get(operation_id)).ended and one,
            "the operation ends", timeout=120,
        )
        return found

    def cut_off(self) -> str:
        """A change that takes the machine off the network, at work."""
        operation_id = self.apply(CUT_OFF, rollback_after=PATIENCE)
        wait_for(lambda: self.addresses().get("cable") == ["203.0.113.9"], "it is cut off")
        return operation_id

    def back(self) -> None:
        wait_for(
            lambda: self.addresses().get("cable") == [NODE], "it is back", timeout=PATIENCE + 15
        )

    def is_back(self, operation_id: str) -> None:
        """And the operation tells the truth."""
        self.back()
        operation = self.ended(operation_id)
        self.assertFalse(operation.succeeded, operation)
        self.assertRegex(operation.reason or "", r"as (it was|they were): |, so they are as they")
        # its compute service may have been started again a moment ago
        network = wait_for(self.network, "the host tells of its network", timeout=60)
        self.assertIsNone(network.armed)
        self.assertEqual(["guests", "management"], sorted(network.document["networks"]))
        assert network.last is not None
        self.assertEqual(
            (operation_id, "rolled back"), (network.last["operation"], network.last["outcome"])
        )

    def network(self) -> HostNetwork | None:
        """None: the host does not answer."""
        try:
            return self.admin.host_networks.get(NAME)
        except errors.Conflict:
            return None

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not processes.alive(pid), "it is gone")

    def pid_of(self, name: str) -> int:
        status = json.loads(self.machine.mycloud("node", "status", "--format", "json").stdout)
        pid: int = status["pids"][name]
        return pid

    def test_story(self) -> None:
        """One machine for all: its making takes longer than what is done to it."""
        self.good_change()
        self.is_back(self.cut_off())
        self.compute_is_killed()
        self.helper_and_compute_are_killed()
        self.conductor_is_killed()

    def good_change(self) -> None:
        operation = self.ended(self.apply(GOOD, rollback_after=PATIENCE))
        self.assertTrue(operation.succeeded, operation)
        self.assertEqual(
            ["plan", "apply", "prove", "commit"], [step.name for step in operation.steps]
        )
        links = json.loads(self.machine.run("ip", "-j", "link").stdout)
        self.assertEqual("guests", {one["ifname"]: one for one in links}["spare"]["master"])

    def compute_is_killed(self) -> None:
        pid = self.pid_of(f"mycloud-compute-{NAME}")
        operation_id = self.cut_off()
        self.kill(pid)
        self.back()
        self.machine.mycloud("node", "join", "again")
        self.is_back(operation_id)

    def helper_and_compute_are_killed(self) -> None:
        """Nothing is left there that could go back; its next start does."""
        helper, compute = self.pid_of("mycloud-privileged"), self.pid_of(f"mycloud-compute-{NAME}")
        operation_id = self.cut_off()
        self.kill(helper)
        self.kill(compute)
        self.assertEqual(["203.0.113.9"], self.addresses()["cable"])
        wait_for(self.joined_again, "its programs run again", timeout=PATIENCE + 60)
        self.is_back(operation_id)

    def joined_again(self) -> bool:
        return self.machine.mycloud("node", "join", "again", check=False).returncode == 0

    def conductor_is_killed(self) -> None:
        operation_id = self.cut_off()
        self.kill(self.cloud.status()["pids"]["mycloud-conductor"])
        self.back()
        self.cloud.up()
        self.is_back(operation_id)
