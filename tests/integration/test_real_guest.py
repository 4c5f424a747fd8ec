"""A real guest's whole life, through every part of the cloud.

The cloud is what ``mycloud up`` makes: libvirt and QEMU, all services in one process. There is
one guest, and one test that leads it from step to step: each begins where the one before ended.
"""

import os
import re
import signal
import unittest
from pathlib import Path

import libvirt
import testtools

from mycloud import client
from mycloud.client.errors import NotFound
from mycloud.common import clock
from mycloud.disk import processes
from tests.fixtures import real_guest, tiny_guest
from tests.fixtures.program import wait_for

#: seconds for a boot by an emulated processor of a busy machine
_BOOT = 90
_SOON = 60
#: the promise: what happens to a guest shows in the API so many seconds later
_EVENT_SECONDS = 2.0

#: libvirt probes nothing for that; unused images leave the cache while the test looks
_OPTIONS = """
[compute]
virt_type = qemu
image_prune_interval = 1
image_unused_seconds = 10
[DEFAULT]
periodic_fuzzy_delay = 0
"""
_USER_DATA = b"""#!/bin/sh
echo GUEST runs what its user gave it
(beat=0; while sleep 1; do beat=$((beat + 1)); echo GUEST beat $beat; done) &
"""


@unittest.skipIf(real_guest.why_not(), real_guest.why_not())
class RealGuestTest(real_guest.RealGuestCase):
    options = _OPTIONS

    # -- looking -------------------------------------------------------------------------------

    def console(self) -> str:
        return self.member.servers.console_log(self.server_id)

    def said(self, line: str, times: int = 1, timeout: float = _BOOT) -> None:
        """Wait until the console shows the line so often."""

        def shown() -> bool:
            return self.console().count(line) >= times

        try:
            wait_for(shown, f"{line!r} is {times} times on the console", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}; it says:\n{self.console()}") from None

    def beats_on(self) -> None:
        """Wait until the guest has written a line that was not there."""
        before = self.beat()
        wait_for(lambda: self.beat() > before, "the guest's beat goes on", _SOON)

    def beat(self) -> int:
        this_boot = self.console().rpartition("GUEST kernel")[2]
        return max((int(n) for n in re.findall(r"GUEST beat (\d+)\r?\n", this_boot)), default=0)

    def status(self) -> str:
        return self.member.servers.get(self.server_id).status

    def wait_status(self, status: str, timeout: float = _SOON) -> None:
        wait_for(lambda: self.status() == status, f"the server is {status}", timeout)

    def pid(self) -> int:
        """The pid of the guest's QEMU."""
        [pid] = self.libvirtd.guest_pids()
        self.assertTrue(
            any(f"mycloud-{self.server_id}" in word for word in processes.command_line(pid))
        )
        return pid

    # -- the steps -----------------------------------------------------------------------------

    def test_from_the_image_to_nothing_left(self) -> None:
        steps = (
            self.image_is_uploaded, self.server_boots, self.soft_reboot, self.acpi_stop,
            self.start, self.killed_from_outside, self.start_again, self.libvirtd_is_killed,
            self.mycloud_is_killed, self.mycloud_is_restarted, self.nothing_is_left,
        )
        for step in steps:
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
        image = self.member.images.get(made.id)
        self.assertEqual("active", image.status)
        self.image_id = made.id

    def server_boots(self) -> None:
        flavor = self.admin.flavors.create(
            {"name": "nano", "vcpus": 1, "ram": 128, "disk": 1}
        )
        [accepted] = self.member.servers.create(client.NewServer(
            "real", flavor.id, self.image_id, config_drive=True, user_data=_USER_DATA,
        ))
        self.server_id = accepted.resource_id
        self.assertEqual("ACTIVE", self.member.servers.wait(accepted, timeout=_BOOT).status)
        self.said("GUEST READY")
        said = self.console()
        self.assertRegex(said, f"GUEST config-drive \\S+ uuid={self.server_id} hostname=real")
        self.assertIn("GUEST runs what its user gave it", said)
        self.assertIn("GUEST user-data exit=0", said)
        self.beats_on()

    def soft_reboot(self) -> None:
        accepted = self.member.servers.reboot(self.server_id)
        self.assertEqual("ACTIVE", self.member.servers.wait(accepted, timeout=_BOOT).status)
        self.said("GUEST READY", 2)
        # it was asked, not cut off; and its disk has kept what it wrote
        self.said("GUEST off", 1)
        self.said("GUEST boots 2", 1)

    def acpi_stop(self) -> None:
        accepted = self.member.servers.stop(self.server_id)
        self.member.servers.wait(accepted, status="SHUTOFF", timeout=_BOOT)
        self.said("GUEST power button", 2)
        self.said("GUEST off", 2)
        self.assertEqual([], self.libvirtd.guest_pids())

    def start(self) -> None:
        self.boot_again(3)

    def boot_again(self, boots: int) -> None:
        accepted = self.member.servers.start(self.server_id)
        self.assertEqual("ACTIVE", self.member.servers.wait(accepted, timeout=_BOOT).status)
        self.said("GUEST READY", boots)
        self.beats_on()

    def killed_from_outside(self) -> None:
        killed = clock.monotonic()
        os.kill(self.pid(), signal.SIGKILL)
        self.wait_status("SHUTOFF")
        took = clock.monotonic() - killed
        self.assertLess(took, _EVENT_SECONDS, "the API tells late that the guest has died")

    def start_again(self) -> None:
        self.boot_again(4)

    def libvirtd_is_killed(self) -> None:
        guest, daemon = self.pid(), self.libvirtd.status().libvirtd
        assert daemon is not None
        os.kill(daemon, signal.SIGKILL)
        wait_for(
            lambda: self.libvirtd.status().libvirtd not in (None, daemon),
            "libvirtd is started again", _SOON,
        )
        self.assertEqual(guest, self.pid())
        self.assertEqual("ACTIVE", self.status())
        self.beats_on()

    def mycloud_is_killed(self) -> None:
        guest = self.pid()
        own = self.cloud.status()["pids"]["mycloud-all"]
        os.kill(own, signal.SIGKILL)
        wait_for(lambda: not processes.alive(own), "it has died")
        self.assertTrue(processes.alive(guest))
        self.cloud.up()
        self.after_restart(guest)

    def mycloud_is_restarted(self) -> None:
        guest = self.pid()
        self.cloud.mycloud("down", "--keep-guests")
        self.assertEqual("down", self.cloud.status()["health"])
        self.assertTrue(processes.alive(guest))
        self.cloud.up()
        self.after_restart(guest)

    def after_restart(self, guest: int) -> None:
        """The guest never noticed, and nothing was made of it in the meantime."""
        self.assertEqual(guest, self.pid())
        self.assertEqual("ACTIVE", self.status())
        self.beats_on()
        self.assertEqual(4, self.console().count("GUEST READY"))
        self.assertEqual([], self.cloud.findings())

    def nothing_is_left(self) -> None:
        guest = self.pid()
        self.member.servers.wait_deleted(
            self.member.servers.delete(self.server_id), timeout=_BOOT
        )
        self.assertRaises(NotFound, self.member.servers.get, self.server_id)
        self.assertFalse(processes.alive(guest))
        self.assertEqual([], self.libvirtd.guest_pids())
        conn = libvirt.open(self.libvirtd.uri())
        self.addCleanup(conn.close)
        self.assertEqual([], conn.listAllDomains())
        self.assertEqual([], self.files_of(self.server_id))
        cache = self.host_dir / "_base"
        wait_for(
            lambda: not [path for path in cache.iterdir() if path.is_file()],
            "the image that nobody uses leaves the host", _SOON,
        )
        self.member.images.delete(self.image_id)
        self.assertEqual([], self.files_of(self.image_id))
        self.assertEqual([], self.cloud.findings())
        self.cloud.mycloud("down")
        self.assertEqual([], self.programs())

    def files_of(self, name: str) -> list[Path]:
        """Files of the cloud that carry the id, but for what is written about the past."""
        return [
            path for path in self.cloud.state.rglob(f"*{name}*")
            if "log" not in path.relative_to(self.cloud.state).parts[:1]
        ]

    def programs(self) -> list[str]:
        """Command lines of what still runs for this cloud."""
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        lines = [" ".join(processes.command_line(pid)) for pid in pids if processes.alive(pid)]
        return [line for line in lines if str(self.cloud.state) in line]


if __name__ == "__main__":
    unittest.main()
