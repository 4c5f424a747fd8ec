"""A real guest that boots from a volume: every part of the cloud, as ``mycloud up`` makes it.

An image becomes a volume, a server boots from it, and a second volume is attached while the guest
runs, which writes to it. The guest's own lines tell what its disks hold.
"""

import unittest

import libvirt
import testtools

from mycloud import client
from mycloud.client.errors import NotFound
from mycloud.common import clock
from tests.fixtures import real_guest, tiny_guest
from tests.fixtures.program import wait_for

#: seconds for a boot by an emulated processor of a busy machine
_BOOT = 120
_SOON = 60
_OPTIONS = """
[compute]
virt_type = qemu
[DEFAULT]
periodic_fuzzy_delay = 0
"""


@unittest.skipIf(real_guest.why_not(), real_guest.why_not())
class BootFromVolumeTest(real_guest.RealGuestCase):
    options = _OPTIONS

    # -- looking -------------------------------------------------------------------------------

    def console(self) -> str:
        return self.member.servers.console_log(self.server_id)

    def said(self, line: str, times: int = 1, timeout: float = _BOOT) -> None:
        """Wait until the console shows the line so often."""
        try:
            wait_for(
                lambda: self.console().count(line) >= times,
                f"{line!r} is {times} times on the console", timeout,
            )
        except AssertionError as error:
            raise AssertionError(f"{error}; it says:\n{self.console()}") from None

    def volume_is(self, volume_id: str, status: str) -> None:
        wait_for(
            lambda: self.member.volumes.get(volume_id).status == status,
            f"volume {volume_id} is {status}", _SOON,
        )

    # -- the steps -----------------------------------------------------------------------------

    def test_from_the_image_to_nothing_left(self) -> None:
        for step in (
            self.image_is_uploaded, self.server_boots, self.data_is_attached, self.stop_and_start,
            self.hard_reboot, self.data_is_detached, self.nothing_is_left,
        ):
            started = clock.monotonic()
            try:
                step()
            except AssertionError as error:
                raise AssertionError(f"at {step.__name__}: {error}") from error
            self.addDetail(step.__name__, testtools.content.text_content(
                f"{clock.monotonic() - started:.1f} s"
            ))

    def image_is_uploaded(self) -> None:
        made = self.member.images.create(client.NewImage("tiny", "qcow2"))
        with (tiny_guest.directory() / "guest.qcow2").open("rb") as file:
            self.member.images.upload(made.id, file)
        self.image_id = made.id

    def server_boots(self) -> None:
        flavor = self.admin.flavors.create(
            {"name": "nano", "vcpus": 1, "ram": 128, "disk": 0}
        )
        [accepted] = self.member.servers.create(client.NewServer(
            "real", flavor.id,
            block_devices=[{
                "source_type": "image", "destination_type": "volume", "uuid": self.image_id,
                "volume_size": 1, "boot_index": 0, "delete_on_termination": True,
            }],
        ))
        self.server_id = accepted.resource_id
        self.assertEqual("ACTIVE", self.member.servers.wait(accepted, timeout=_BOOT).status)
        self.said("GUEST READY")
        self.said("GUEST boots 1")
        [self.root_id] = self.member.servers.get(self.server_id).volume_ids
        self.said(f"GUEST block /dev/vda sectors={1 << 21} serial={self.root_id[:20]}")

    def data_is_attached(self) -> None:
        made = self.member.volumes.create(client.NewVolume(size=1, name="data"))
        self.data_id = made.resource_id
        self.volume_is(self.data_id, "available")
        self.member.server_volumes.attach(self.server_id, self.data_id)
        self.volume_is(self.data_id, "in-use")
        self.said("GUEST volume /dev/vdb has 1 lines of its guests")

    def stop_and_start(self) -> None:
        accepted = self.member.servers.stop(self.server_id)
        self.member.servers.wait(accepted, status="SHUTOFF", timeout=_BOOT)
        self.said("GUEST off")
        accepted = self.member.servers.start(self.server_id)
        self.assertEqual("ACTIVE", self.member.servers.wait(accepted, timeout=_BOOT).status)
        self.said("GUEST READY", 2)
        self.said("GUEST boots 2")
        self.said(f"GUEST block /dev/vdb sectors={1 << 21} serial={self.data_id[:20]}", 1)

    def hard_reboot(self) -> None:
        accepted = self.member.servers.reboot(self.server_id, hard=True)
        self.assertEqual("ACTIVE", self.member.servers.wait(accepted, timeout=_BOOT).status)
        self.said("GUEST READY", 3)
        self.said("GUEST boots 3")

    def data_is_detached(self) -> None:
        self.member.server_volumes.detach(self.server_id, self.data_id)
        self.volume_is(self.data_id, "available")
        self.member.server_volumes.attach(self.server_id, self.data_id)
        # what it wrote before it was stopped is there
        self.said("GUEST volume /dev/vdb has 2 lines of its guests")
        self.assertEqual([], self.cloud.findings())

    def nothing_is_left(self) -> None:
        self.member.servers.wait_deleted(
            self.member.servers.delete(self.server_id), timeout=_BOOT
        )
        self.assertEqual([], self.libvirtd.guest_pids())
        conn = libvirt.open(self.libvirtd.uri())
        self.addCleanup(conn.close)
        self.assertEqual([], conn.listAllDomains())
        self.volume_is(self.data_id, "available")
        wait_for(self.root_is_gone, "the volume that goes with its server is gone", _SOON)
        self.assertEqual([], list(self.cloud.state.rglob(f"*{self.root_id}*")))
        self.assertEqual([], self.cloud.findings())

    def root_is_gone(self) -> bool:
        try:
            self.member.volumes.get(self.root_id)
        except NotFound:
            return True
        return False


if __name__ == "__main__":
    unittest.main()
