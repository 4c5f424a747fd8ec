"""``mycloud up|status|doctor|down`` as a person runs them, in processes of their own."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import unittest

import requests
import testtools
import yaml

from mycloud.disk import processes
from tests.fixtures import postgresql, rabbitmq, tiny_guest
from tests.fixtures.local_cloud import LocalCloud
from tests.fixtures.program import wait_for

#: an ordinary user, for root to become
_USER = "nobody"


class UpFakeTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(LocalCloud())

    def test_a_whole_life(self) -> None:
        cloud = self.cloud
        said = cloud.up("--hypervisor", "fake", "--hosts", "2", "--first-server")
        self.assertIn("READY", said.stderr)
        self.assertIn(str(cloud.state / "clouds.yaml"), said.stdout)
        status = cloud.status()
        self.assertEqual("up", status["health"])
        pid = status["pids"]["mycloud-all"]
        self.assertTrue(processes.alive(pid))
        self.assertEqual(str(pid), (cloud.state / "run/mycloud-all.pid").read_text().strip())
        self.assertEqual(
            200, requests.get(status["urls"]["identity"], timeout=10).status_code
        )
        self._check_clouds_yaml()
        doctor = cloud.mycloud("doctor", check=False)
        self.assertEqual(0, doctor.returncode, doctor.stdout + doctor.stderr)
        # again: nothing is done twice
        again = cloud.up("--first-server")
        self.assertIn("runs already", again.stderr)
        self.assertEqual(pid, cloud.status()["pids"]["mycloud-all"])
        cloud.mycloud("down")
        self.assertFalse(processes.alive(pid))
        self.assertEqual("down", cloud.status()["health"])
        self.assertIn("Nothing runs", cloud.mycloud("down").stderr)
        # what was told the first time is remembered, and so is the server
        cloud.mycloud("up", "--first-server")
        status = cloud.status()
        self.assertEqual(("up", "fake", 2), (
            status["health"], status["hypervisor"], len(status["hosts"])
        ))
        refused = cloud.mycloud("down", "--remove-state")
        self.assertIn("removed", refused.stderr)
        self.assertFalse(cloud.state.exists())

    def _check_clouds_yaml(self) -> None:
        path = self.cloud.state / "clouds.yaml"
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
        clouds = yaml.safe_load(path.read_text())["clouds"]
        self.assertEqual({"mycloud", "mycloud-admin"}, set(clouds))
        self.assertEqual("demo", clouds["mycloud"]["auth"]["project_name"])
        secrets = {cloud["auth"]["password"] for cloud in clouds.values()}
        self.assertEqual(2, len(secrets))
        logs = "".join(log.read_text() for log in (self.cloud.state / "log").glob("*.log"))
        for secret in secrets:
            self.assertNotIn(secret, logs)

    def test_clouds_side_by_side(self) -> None:
        other = self.useFixture(LocalCloud())
        self.cloud.up("--hypervisor", "fake")
        taken = other.mycloud(
            "up", "--port", str(self.cloud.port), "--hypervisor", "fake", check=False
        )
        self.assertNotEqual(0, taken.returncode)
        self.assertIn("--port", taken.stderr)
        other.up("--hypervisor", "fake")
        self.assertEqual("up", self.cloud.status()["health"])
        self.assertEqual("up", other.status()["health"])
        changed = self.cloud.mycloud("up", "--hosts", "3", check=False)
        self.assertNotEqual(0, changed.returncode)
        self.assertIn("other settings", changed.stderr)

    def test_doctor_tells_what_is_wrong(self) -> None:
        cloud = self.cloud
        cloud.up("--hypervisor", "fake")
        (cloud.state / "clouds.yaml").chmod(0o644)
        stray = cloud.state / "images" / f"{'0' * 8}-0000-0000-0000-{'0' * 12}.up"
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b"x")
        findings = cloud.findings()
        self.assertEqual({"files", "images"}, {finding["Check"] for finding in findings})
        self.assertTrue(all(finding["Remedy"] for finding in findings))
        (cloud.state / "clouds.yaml").chmod(0o600)
        stray.unlink()
        self.assertEqual(0, cloud.mycloud("doctor", check=False).returncode)
        pid = cloud.status()["pids"]["mycloud-all"]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not processes.alive(pid), "it is gone")
        problems = [finding["Finding"] for finding in cloud.findings()]
        self.assertIn("mycloud-all has crashed", problems)
        self.assertEqual(1, cloud.mycloud("doctor", check=False).returncode)
        cloud.mycloud("up")
        self.assertEqual(0, cloud.mycloud("doctor", check=False).returncode)

    def test_what_does_not_go_together_is_refused(self) -> None:
        for options in (
            ("--processes",),
            ("--workers", "2"),
            ("--transport-url", "rabbit://127.0.0.1/"),
            ("--hosts", "0"),
            ("--port", "0"),
        ):
            done = self.cloud.mycloud("up", "--hypervisor", "fake", *options, check=False)
            self.assertNotEqual(0, done.returncode, options)
            self.assertIn("--", done.stderr)
            self.assertFalse((self.cloud.state / "run").exists())

    def test_a_wrong_option_of_the_operator_is_named(self) -> None:
        folder = self.cloud.state / "mycloud.conf.d"
        folder.mkdir(parents=True)
        (folder / "mine.conf").write_text("[api]\nenabled_apis = ec2\n")
        done = self.cloud.mycloud(
            "up", "--port", str(self.cloud.port), "--hypervisor", "fake", check=False
        )
        self.assertNotEqual(0, done.returncode)
        self.assertIn("enabled_apis", done.stderr)


@unittest.skipIf(
    rabbitmq.why_not() or postgresql.why_not(), rabbitmq.why_not() or postgresql.why_not()
)
class UpProcessesTest(testtools.TestCase):
    def test_one_process_per_service(self) -> None:
        cloud = self.useFixture(LocalCloud())
        bus = self.useFixture(rabbitmq.RabbitMQ())
        database = self.useFixture(postgresql.PostgreSQL())
        cloud.up(
            "--hypervisor", "fake", "--hosts", "2", "--processes", "--workers", "2",
            "--transport-url", bus.url, "--database", database.url, "--first-server",
        )
        status = cloud.status()
        self.assertEqual("up", status["health"])
        expected = {
            "mycloud-api", "mycloud-conductor", "mycloud-scheduler", "mycloud-volume",
            *(f"mycloud-compute-{host}" for host in status["hosts"]),
        }
        if os.geteuid() == 0:
            expected.add("mycloud-privileged")
        self.assertEqual(2, len(status["hosts"]))
        self.assertEqual(expected, {name for name, pid in status["pids"].items() if pid})
        for host in status["hosts"]:
            config = (cloud.state / f"compute-{host}.conf").read_text()
            self.assertNotIn("postgresql", config)
        doctor = cloud.mycloud("doctor", check=False)
        self.assertEqual(0, doctor.returncode, doctor.stdout + doctor.stderr)
        cloud.mycloud("down")
        self.assertEqual("down", cloud.status()["health"])


@unittest.skipIf(tiny_guest.why_not(), tiny_guest.why_not())
class UpLibvirtTest(testtools.TestCase):
    def test_a_real_guest_says_that_it_is_ready(self) -> None:
        cloud = self.useFixture(LocalCloud())
        # built once for all tests
        guest = cloud.state / "guest"
        cloud.state.mkdir(parents=True)
        guest.symlink_to(tiny_guest.directory())
        said = cloud.up("--first-server")
        self.assertIn("GUEST READY", said.stderr)
        status = cloud.status()
        self.assertEqual([1], list(status["guests"].values()))
        named = {int(path.read_text()) for path in (cloud.state / "run").glob("*.pid")}
        # the root helper keeps its own where root alone can write
        status["pids"].pop("mycloud-privileged", None)
        self.assertEqual(set(status["pids"].values()), named)
        doctor = cloud.mycloud("doctor", check=False)
        self.assertEqual(0, doctor.returncode, doctor.stdout + doctor.stderr)
        cloud.mycloud("down")
        pids = [pid for pid in status["pids"].values() if pid]
        self.assertFalse([pid for pid in pids if processes.alive(pid)])
        self.assertEqual([0], list(cloud.status()["guests"].values()))
        self.assertEqual([], list((cloud.state / "run").glob("*.pid")))


def _no_user() -> str | None:
    """Why no ordinary user can run a cloud here."""
    if os.geteuid() != 0:
        return "only root can become another user"
    tried = subprocess.run(
        ["runuser", "-u", _USER, "--", sys.executable, "-c", "import mycloud.local"],
        capture_output=True, check=False, cwd="/",
    )
    return f"{_USER} may not read the sources" if tried.returncode else tiny_guest.why_not()


class UpAsUserTest(testtools.TestCase):
    def test_a_real_guest_of_an_ordinary_user(self) -> None:
        reason = _no_user()
        if reason is not None:
            self.skipTest(reason)
        cloud = self.useFixture(LocalCloud(_USER))
        for name in ("guest.qcow2", "vmlinuz", "initrd.img"):
            place = cloud.state / "guest" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tiny_guest.directory() / name, place)
        (cloud.state / "mycloud.conf.d").mkdir()
        (cloud.state / "mycloud.conf.d" / "test.conf").write_text("[compute]\nvirt_type = qemu\n")
        subprocess.run(["chown", "-R", _USER, str(cloud.state.parents[2])], check=True)
        said = cloud.up("--first-server")
        self.assertIn("GUEST READY", said.stderr)
        self.assertEqual([], cloud.findings())
        pids = [pid for pid in cloud.status()["pids"].values() if pid]
        self.assertEqual(
            {pwd.getpwnam(_USER).pw_uid}, {os.stat(f"/proc/{pid}").st_uid for pid in pids}
        )
        cloud.mycloud("down", "--remove-state")
        self.assertFalse(cloud.state.exists())
        self.assertFalse([pid for pid in pids if processes.alive(pid)])


if __name__ == "__main__":
    unittest.main()
