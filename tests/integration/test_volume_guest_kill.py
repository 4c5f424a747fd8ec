"""kill -9 of the whole cloud at points of what is done to a real guest's volumes.

Whatever the point: half a minute after the next start what was accepted is done, and the disks of
the guest, the attachments and the exports are the same.
"""

import functools
import os
import re
import subprocess
import unittest
from pathlib import Path

import libvirt
import testtools

from mycloud.common import clock
from mycloud.disk import processes
from mycloud.local import lifecycle, service_user, supervisor
from mycloud.local.settings import load
from tests.fixtures import guest_cloud, killed_all
from tests.fixtures.guest_cloud import SOON, GuestCloud
from tests.fixtures.program import wait_for

_SETTLED_SECONDS = 30
_ATTACH = "server.attach_volume"
_DETACH = "server.detach_volume"


@guest_cloud.needs_guests
class VolumeGuestKillTest(testtools.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cloud = GuestCloud({"nbd": "export_protocol = nbd"})
        cls.cloud.setUp()
        cls.addClassCleanup(cls.cloud.cleanUp)
        cls.guest = cls.cloud.boot("victim")
        cls.cloud.kill()
        cls.start()

    @classmethod
    def start(cls):
        """As ``mycloud up``, with the points in it."""
        layout, settings = cls.cloud.layout, load(cls.cloud.layout)
        [process] = supervisor.wanted(layout, settings)
        account = service_user.find(settings.user)
        command = process.command(layout)
        command[2:3] = [killed_all.__name__, "mycloud.cmd.all"]
        with process.log(layout).open("ab") as log:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=Path(__file__).parents[2], start_new_session=True,
                env={**os.environ, **service_user.environment(account, layout)},
                user=account.uid, group=account.gid, extra_groups=account.groups,
            )
        layout.pid_file(process.name).write_text(f"{child.pid}\n")
        wait_for(lambda: lifecycle.answers(settings), "the cloud answers", SOON)

    def killed_at(self, point, ask):
        """Ask for a change, die at that point, and start again; the operation, which has ended."""
        pid = int(self.cloud.layout.pid_file("mycloud-all").read_text())
        (self.cloud.state / killed_all.FILE).write_text(point)
        accepted = ask()
        wait_for(lambda: not processes.alive(pid), f"it dies at {point}", SOON)
        os.waitpid(pid, 0)
        self.start()
        started = clock.monotonic()
        operation = self.cloud.member.operations.wait(
            accepted.operation_id, timeout=_SETTLED_SECONDS
        )
        wait_for(self.settled, f"all is settled after {point}", _SETTLED_SECONDS)
        self.assertLess(clock.monotonic() - started, _SETTLED_SECONDS)
        self.assertEqual("succeeded", operation.state)

    def settled(self):
        in_guest, attached, exported = self.disks(), self.attached(), self.exported()
        return in_guest == set(attached) and exported == set(attached.values())

    def disks(self):
        """The ids of the volumes that the guest's QEMU has."""
        conn = libvirt.open(self.cloud.libvirtd().uri())
        try:
            xml = conn.lookupByUUIDString(self.guest.id).XMLDesc()
        finally:
            conn.close()
        return set(re.findall(r"<serial>([0-9a-f-]{36})</serial>", xml))

    def attached(self):
        """Volume id -> attachment id."""
        volumes = self.cloud.member.volumes.list()
        return {each.id: held.attachment_id for each in volumes for held in each.attachments}

    def exported(self):
        places = (self.cloud.state / "backends").glob("*/exports/*/*")
        return {path.name for path in places if not path.name.startswith(".")}

    def cycle(self, kind, *points):
        """Attach and detach one volume, again and again."""
        volume = self.cloud.volume(kind)
        self.addCleanup(self.cloud.remove, volume.id)
        server_volumes = self.cloud.member.server_volumes
        for attach_at, detach_at in points:
            with self.subTest(attach_at):
                self.killed_at(
                    attach_at, lambda: server_volumes.attach(self.guest.id, volume.id)
                )
                self.assertEqual({volume.id}, self.disks())
                self.assertEqual("in-use", self.cloud.member.volumes.get(volume.id).status)
                self.guest.shell.run(
                    "until dd if=/dev/vdb of=/dev/null bs=4k count=1 iflag=direct; "
                    "do sleep 0.1; done", SOON,
                )
            with self.subTest(detach_at):
                self.killed_at(
                    detach_at, lambda: server_volumes.detach(self.guest.id, volume.id)
                )
                self.assertEqual(set(), self.disks())
                self.assertEqual("available", self.cloud.member.volumes.get(volume.id).status)
        self.assertEqual([], self.cloud.findings())

    def test_attach_and_detach_nbd(self):
        self.cycle(
            "nbd",
            (f"{_ATTACH}: begin connect", f"{_DETACH}: begin detach"),
            ("volume: exported", "volume: unexported"),
            (f"{_ATTACH}: begin attach", f"{_DETACH}: did detach"),
            (f"{_ATTACH}: did attach", f"{_DETACH}: finish"),
        )

    def test_extend_and_snapshot_file(self):
        volume = self.cloud.volume("local")
        self.addCleanup(self.cloud.remove, volume.id, snapshots=True)
        member = self.cloud.member
        device = self.guest.attach(volume.id)
        self.addCleanup(self.guest.detach, volume.id)
        writing = self.guest.begin_to_write(device)
        for size, point in ((2, "begin tell_guests"), (3, "did tell_guests")):
            with self.subTest(f"extend: {point}"):
                self.killed_at(
                    f"volume.extend: {point}", functools.partial(
                        member.volumes.extend, volume.id, size
                    ),
                )
                self.assertEqual(size, member.volumes.get(volume.id).size)
                self.assertEqual(size << 30, self.cloud.file(volume.id).stat().st_size)
                self.guest.said(f"GUEST block change /dev/{device} sectors={size << 21}")
        for point in ("begin snapshot", "did snapshot"):
            with self.subTest(point):
                self.killed_at(
                    f"snapshot.create: {point}",
                    lambda: member.snapshots.create(volume.id, force=True),
                )
        self.assertEqual(
            ["available"] * 2,
            [each.status for each in member.snapshots.list(volume_id=volume.id)],
        )
        writing.goes_on()
        writing.end()
        self.assertFalse(writing.failed())
        self.assertEqual([], writing.lost(self.cloud.file(volume.id)))
        self.assertEqual([], self.cloud.findings())


if __name__ == "__main__":
    unittest.main()
