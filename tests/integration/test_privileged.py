"""The real root helper: what it does for its callers, and what it leaves to its next life."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

import testtools

from mycloud.common import concurrency
from mycloud.privileged import client, errors
from tests.fixtures import privileged
from tests.fixtures.privileged import PrivilegedHelper

ROOT = Path(__file__).parents[2]


@unittest.skipIf(privileged.why_not(), privileged.why_not())
class PrivilegedTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.helper = self.useFixture(PrivilegedHelper())

    def test_calls(self) -> None:
        answer = client.call.helper_ping()
        self.assertEqual(self.helper.process.pid, answer["pid"])
        names = [each["name"] for each in client.call.helper_verbs()]
        self.assertEqual(sorted(names), names)
        self.assertEqual(answer["verbs"], len(names))

    def test_what_does_not_fit_is_refused(self) -> None:
        error = self.assertRaises(errors.UnknownVerb, client.call.helper_pong)
        self.assertIn("near it: helper_ping", error.message)
        self.assertRaises(errors.UnknownVerb, client.call.open)
        error = self.assertRaises(errors.InvalidArguments, client.call.tap_open, "-x")
        self.assertEqual("name", error.details["argument"])
        self.assertRaises(errors.InvalidArguments, client.call.helper_ping, 1)
        self.assertRaises(errors.InvalidArguments, client.call.helper_ping, x=object())

    def test_passes_descriptors(self) -> None:
        opened = client.call.tap_open("myc-test0")
        self.addCleanup(opened.close)
        self.assertEqual({"name": "myc-test0"}, opened.value)
        [fd] = opened.fds
        name = fcntl.ioctl(fd, 0x800454D2, b"\0" * 40)  # TUNGETIFF
        self.assertTrue(name.startswith(b"myc-test0\0"))
        self.assertFalse(os.get_inheritable(fd))

    def test_logs_each_call_with_its_operation(self) -> None:
        with client.operation("0b51f1c5"):
            client.call.helper_ping()
        log = self.helper.log()
        self.assertRegex(log, r"\[0b51f1c5\] call \d+ helper_ping\(\) by uid 0")
        self.assertRegex(log, r"\[0b51f1c5\] call \d+ helper_ping returned .* in \d+\.\d ms")

    def test_a_second_one_does_not_start(self) -> None:
        error = self.assertRaises(AssertionError, self.helper.start)
        self.assertIn(f"(pid {client.call.helper_ping()['pid']}) serves this cloud", str(error))

    def test_starts_again_after_kill(self) -> None:
        client.call.helper_ping()
        self.helper.kill()
        starting = concurrency.spawn(self.helper.start)
        self.assertNotEqual(0, client.call.helper_ping()["pid"])
        starting.wait(20)

    def test_demonstration(self) -> None:
        done = subprocess.run(
            [sys.executable, str(ROOT / "examples/root_helper_demo.py")],
            capture_output=True, text=True, check=True,
        )
        self.assertRegex(
            done.stdout.replace("\n", " "),
            r"this is server: process \d+ of user 0, asked by 'client' and nothing else: There is",
        )

    def test_ordinary_users_do_not_start_it(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "mycloud.privileged.program", "--state", "/nonexistent"],
            capture_output=True, text=True, check=False, user=65534, group=65534, extra_groups=[],
        )
        self.assertEqual(errno.EPERM, done.returncode)
        self.assertIn("start it as root", done.stderr)

    def test_serves_its_user(self) -> None:
        """An ordinary user's process reaches it, and gets its descriptors."""
        helper = self.useFixture(PrivilegedHelper(user="nobody"))
        script = (
            "from mycloud.privileged import client\n"
            f"client.configure({str(helper.state)!r})\n"
            "opened = client.call.tap_open('myc-test1')\n"
            "import os; print(os.getuid(), opened.value['name'], len(opened.fds))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True,
            user="nobody", group="nogroup", extra_groups=[],
        )
        self.assertEqual("65534 myc-test1 1\n", done.stdout)
        home = helper.socket.parent.stat()
        self.assertEqual((65534, 0o700), (home.st_uid, home.st_mode & 0o777))
        own = (helper.state / "privileged").stat()
        self.assertEqual((0, 0o700), (own.st_uid, own.st_mode & 0o777))

    def test_threads_of_every_kind(self) -> None:
        def many() -> None:
            for _ in range(20):
                client.call.helper_ping()

        tasks = [concurrency.spawn(many) for _ in range(20)]
        tasks += [concurrency.spawn(concurrency.run_native, many) for _ in range(20)]
        for task in tasks:
            task.wait(30)

    def test_list_of_verbs(self) -> None:
        """The command compares its list with the running helper's."""
        told = self.command("privileged", "verbs", "-f", "json", "--state", str(self.helper.state))
        self.assertEqual("", told.stderr)
        self.assertIn("helper_ping", [each["Name"] for each in json.loads(told.stdout)])
        other = self.useFixture(PrivilegedHelper(tried=True))
        told = self.command("privileged", "verbs", "--state", str(other.state))
        self.assertIn("has, beside these, test_big, test_fail", told.stderr)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "mycloud.cli.main", *words],
            capture_output=True, text=True, check=True,
        )

    def test_ends_by_sigterm(self) -> None:
        client.call.helper_ping()
        self.assertEqual(0, self.helper.end())
        self.assertRaises(errors.HelperUnavailable, client.call.helper_ping)
