"""A real guest on a machine that has joined, with a volume that lies on the control plane's."""

import re
import shutil
import unittest
from pathlib import Path

import testtools

from mycloud import client
from tests.fixtures import guest_cloud, postgresql, rabbitmq, second_machine, tiny_guest
from tests.fixtures.guest_cloud import BOOT, SOON, GuestCloud
from tests.fixtures.program import wait_for
from tests.fixtures.second_machine import CONTROL, OwnNetwork, SecondMachine

_WHY_NOT = (
    guest_cloud.why_not() or rabbitmq.why_not() or postgresql.why_not()
    or second_machine.why_not()
)
NAME = "second"


@unittest.skipIf(_WHY_NOT, _WHY_NOT)
class JoinGuestTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(OwnNetwork())
        self.machine = self.useFixture(SecondMachine())
        bus = self.useFixture(rabbitmq.RabbitMQ(CONTROL))
        database = self.useFixture(postgresql.PostgreSQL())
        self.cloud = self.useFixture(GuestCloud(options=(
            "--processes", "--listen", CONTROL, "--transport-url", bus.url,
            "--database", database.url,
        )))
        # what an operator has put there before, and a guest that is built once for all tests
        state = self.machine.path(self.machine.state)
        (state / "mycloud.conf.d").mkdir(parents=True)
        (state / "mycloud.conf.d" / "test.conf").write_text("[compute]\nvirt_type = qemu\n")
        (state / "guest").mkdir()
        for name in ("guest.qcow2", "vmlinuz", "initrd.img"):
            shutil.copyfile(tiny_guest.directory() / name, state / "guest" / name)

    def test_a_guest_and_its_volume(self) -> None:
        cloud, machine = self.cloud, self.machine
        token = cloud.admin.node_tokens.create(name=NAME).token
        said = machine.mycloud("node", "join", str(token), "--name", NAME)
        self.assertIn(f"{NAME} has joined", said.stderr)
        self.assertIn("hypervisor: QEMU", said.stderr)
        for service in cloud.admin.services.list(binary="mycloud-compute"):
            if service.host != NAME:
                cloud.admin.services.update(service.id, enabled=False)
        member = cloud.member
        flavor, image = member.flavors.find("nano"), member.images.find("tiny")
        [accepted] = member.servers.create(client.NewServer("far", flavor.id, image.id))
        server_id = accepted.resource_id
        member.servers.wait(accepted, timeout=BOOT)
        self.said(server_id, "GUEST READY", BOOT)
        volume = cloud.volume()
        member.volumes.wait(member.server_volumes.attach(server_id, volume.id), timeout=SOON)
        self.said(server_id, rf"GUEST block add /dev/\w+ \S+ serial={volume.id[:20]}", SOON)
        # the volume is here, and only an export leads to it
        self.assertTrue(cloud.file(volume.id).exists())
        self.assertFalse(machine.path(cloud.file(volume.id)).exists())
        self.assertIsNotNone(cloud.export_pid(volume.id))
        refused = machine.mycloud("node", "leave", check=False)
        self.assertIn("1 guest(s) run here", refused.stderr)
        accepted = member.server_volumes.detach(server_id, volume.id)
        member.server_volumes.wait_detached(server_id, accepted, timeout=SOON)
        member.servers.wait_deleted(member.servers.delete(server_id), timeout=SOON)
        machine.mycloud("node", "leave", "--remove-state")
        self.assertFalse(machine.path(Path(machine.state)).exists())
        wait_for(lambda: not machine.pids(), "nothing runs there any more")

    def said(self, server_id: str, pattern: str, timeout: float) -> None:
        """Wait until the guest has said so."""

        def heard() -> bool:
            return re.search(pattern, self.cloud.member.servers.console_log(server_id)) is not None

        wait_for(heard, f"the guest says {pattern!r}", timeout)


if __name__ == "__main__":
    unittest.main()
