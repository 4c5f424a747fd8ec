"""The ports of the agents of a cloud on this machine."""

import socket

import testtools

from mycloud.local import agent_ports
from mycloud.local.settings import Settings


class AgentPortsTest(testtools.TestCase):
    def test_each_host_has_its_own_and_keeps_it(self) -> None:
        first = agent_ports.assigned(Settings(hosts=("a", "b", "c")))
        self.assertEqual(["a", "b", "c"], list(first.agent_ports))
        self.assertEqual(3, len(set(first.agent_ports.values())))
        self.assertEqual(first, agent_ports.assigned(first))
        fewer = agent_ports.assigned(
            Settings(hosts=("b", "d"), agent_ports=dict(first.agent_ports))
        )
        self.assertEqual(first.agent_ports["b"], fewer.agent_ports["b"])
        self.assertEqual({"b", "d"}, set(fewer.agent_ports))

    def test_of_another_program(self) -> None:
        taken = socket.socket()
        self.addCleanup(taken.close)
        try:
            taken.bind(("127.0.0.1", agent_ports.FIRST))
            taken.listen()
        except OSError:
            pass  # it is another's already
        found = agent_ports.assigned(Settings(hosts=("a",))).agent_ports["a"]
        self.assertNotEqual(agent_ports.FIRST, found)
