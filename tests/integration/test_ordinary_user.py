"""A cloud that root starts: one small process is root's, all others are an ordinary user's."""

import json
import os
import pwd
import shutil
import stat
import subprocess
import unittest
from pathlib import Path

import testtools

from mycloud.client.backups import NewBackup
from mycloud.common import concurrency
from mycloud.local import privileged, service_user
from mycloud.local.layout import Layout
from tests.fixtures import cloud_processes, guest_cloud
from tests.fixtures.guest_cloud import SOON, GuestCloud
from tests.fixtures.local_cloud import LocalCloud
from tests.fixtures.program import wait_for

needs_root = unittest.skipIf(os.geteuid() != 0, "only root can start a cloud for another user")
_HELPER = "mycloud-privileged"
#: how often everything is looked at while a story runs
_PAUSE = 0.05


def uid(name: str = service_user.NAME) -> int:
    return pwd.getpwnam(name).pw_uid


class Watch:
    """Looks at the processes of a cloud again and again."""

    def __init__(self, state: Path, helper: int) -> None:
        self._state, self._helper = state, helper
        self.seen: set[str] = set()
        self.wrong: set[str] = set()
        self._go_on = True
        self._task = concurrency.spawn(self._look)

    def _look(self) -> None:
        while self._go_on:
            for each in cloud_processes.of(self._state):
                if each.pid == self._helper or each.pid == os.getpid():
                    continue
                self.seen.add(each.name)
                if 0 in each.uids or each.capabilities or not each.no_new_privileges:
                    self.wrong.add(f"{each}")
            concurrency.sleep(_PAUSE)

    def end(self) -> None:
        self._go_on = False
        self._task.wait(SOON)


@needs_root
@guest_cloud.needs_guests
class RealCloudTest(testtools.TestCase):
    def test_the_life_of_a_volume_needs_no_root(self) -> None:
        cloud = self.useFixture(GuestCloud({
            "nbd": "export_protocol = nbd", "iscsi": "export_protocol = iscsi",
        }))
        helper = privileged.pid(Layout(cloud.state))
        self.assertIsNotNone(helper)
        watch = Watch(cloud.state, helper)
        try:
            guest = cloud.boot("one")
            for kind in ("nbd", "iscsi"):
                volume = cloud.volume(kind)
                device = guest.attach(volume.id)
                guest.fill(device, "words")
                guest.shell.result()
                guest.detach(volume.id)
                self._back_up(cloud, volume.id)
                cloud.remove(volume.id)
            accepted = cloud.member.servers.delete(guest.id)
            cloud.member.servers.wait_deleted(accepted, timeout=SOON)
        finally:
            watch.end()
        self.assertEqual(set(), watch.wrong)
        for name in ("libvirtd", "virtlogd", "qemu-system-x86", "qemu-storage-da", "tgtd"):
            self.assertIn(name, watch.seen)
        self.assertEqual(
            {uid()}, {path.stat().st_uid for path in (cloud.state / "backends").rglob("*")}
        )

    def _back_up(self, cloud: GuestCloud, volume_id: str) -> None:
        backups = cloud.member.backups
        backup = backups.wait(backups.create(NewBackup(volume_id, "of it")), timeout=SOON)
        backups.wait_deleted(backups.delete(backup.id), timeout=SOON)


@needs_root
class FakeCloudTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(LocalCloud())
        self.layout = Layout(self.cloud.state)

    def up(self, *options: str, check: bool = True) -> subprocess.CompletedProcess:
        return self.cloud.mycloud(
            "up", "--port", str(self.cloud.port), "--hypervisor", "fake", *options, check=check
        )

    def test_helper_is_first_up_and_last_down(self) -> None:
        said = self.up().stderr
        self.assertLess(said.index(_HELPER), said.index("mycloud-all"))
        status = self.cloud.status()
        self.assertEqual(("up", "mycloud"), (status["health"], status["user"]))
        helper, services = status["pids"][_HELPER], status["pids"]["mycloud-all"]
        self.assertEqual((0, uid()), (owner(helper), owner(services)))
        self.assertEqual(uid(), self.cloud.state.stat().st_uid)
        self.assertEqual([], self.cloud.findings())
        # without it the cloud is degraded, and 'up' starts it alone
        os.kill(helper, 9)
        wait_for(lambda: privileged.pid(self.layout) is None, "the helper has died")
        self.assertEqual("degraded", self.cloud.status()["health"])
        [finding] = self.cloud.findings()
        self.assertIn(_HELPER, finding["Finding"])
        self.assertIn(f"Starting {_HELPER}", self.up().stderr)
        status = self.cloud.status()
        self.assertEqual(services, status["pids"]["mycloud-all"])
        said = self.cloud.mycloud("down").stderr
        self.assertLess(said.index("mycloud-all"), said.index(_HELPER))
        self.assertIsNone(privileged.pid(self.layout))
        self.assertEqual([], cloud_processes.of(self.cloud.state))

    def test_state_of_root_is_handed_over(self) -> None:
        outside = self.cloud.state.parent / "outside"
        outside.write_text("root's")
        keep = self.cloud.state / "mycloud.conf.d" / "mine.conf"
        keep.parent.mkdir(parents=True)
        keep.write_text("[api]\n")
        (self.cloud.state / "link").symlink_to(outside)
        former = self.cloud.state / "hosts" / "h" / "libvirt" / "etc" / "qemu"
        former.mkdir(parents=True)
        (former / "mycloud-x.xml").write_text("<domain/>")
        self.layout.settings.write_text(json.dumps({"hosts": ["h"], "hypervisor": "fake"}))
        self.assertIn("Handing", self.up().stderr)
        self.assertEqual({uid()}, {
            path.lstat().st_uid for path in self.cloud.state.rglob("*")
            if "privileged" not in path.name and self.layout.of_root not in path.parents
        })
        self.assertEqual(0, outside.stat().st_uid)
        self.assertTrue((former.parent / "libvirt" / "qemu" / "mycloud-x.xml").exists())

    def test_what_runs_on_as_root_is_not_handed_over(self) -> None:
        run = self.cloud.state / "hosts" / "h" / "run"
        run.mkdir(parents=True)
        self.layout.settings.write_text(json.dumps({"hosts": ["h"], "hypervisor": "fake"}))
        program = self.cloud.state.parent / "libvirtd"
        shutil.copy("/bin/sleep", program)
        process = subprocess.Popen([str(program), "600"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        (run / "libvirtd.pid").write_text(f"{process.pid}\n")
        refused = self.up(check=False)
        self.assertNotEqual(0, refused.returncode)
        self.assertIn("mycloud down", refused.stderr)
        self.assertEqual(0, self.cloud.state.stat().st_uid)
        self.cloud.mycloud("down")
        self.assertIsNotNone(process.wait(20))
        self.up()

    def test_who_can_not_be_the_user(self) -> None:
        for name, word in (("root", "ordinary"), ("nobody-of-that-name", "useradd")):
            refused = self.up("--user", name, check=False)
            self.assertNotEqual(0, refused.returncode)
            self.assertIn(word, refused.stderr)
            self.assertFalse(self.layout.run.exists())

    def test_a_place_that_is_closed_to_the_user(self) -> None:
        closed = self.cloud.state.parent / "closed"
        closed.mkdir(mode=0o700)
        self.cloud.state = closed / "c"
        refused = self.up(check=False)
        self.assertNotEqual(0, refused.returncode)
        self.assertIn(str(closed), refused.stderr)
        self.assertIn("--state", refused.stderr)
        self.assertFalse(self.cloud.state.exists())

    def test_another_user_is_told(self) -> None:
        self.up()
        self.assertEqual("up", self.cloud.status()["health"])
        other = subprocess.run(
            ["runuser", "-u", "nobody", "--", "test", "-r", str(self.layout.config)], check=False
        )
        self.assertNotEqual(0, other.returncode)
        self.assertEqual(0o600, stat.S_IMODE(self.layout.config.stat().st_mode))
        changed = self.up("--user", "nobody", check=False)
        self.assertIn("other settings", changed.stderr)


def owner(pid: int) -> int:
    return os.stat(f"/proc/{pid}").st_uid
