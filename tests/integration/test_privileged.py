"""The real root helper: what it does for its callers, and what it leaves to its next life."""

from __future__ import annotations

import fcntl
import os
import unittest

import testtools

from mycloud.common import concurrency
from mycloud.privileged import client, errors
from tests.fixtures import privileged
from tests.fixtures.privileged import PrivilegedHelper


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

    def test_ends_by_sigterm(self) -> None:
        client.call.helper_ping()
        self.assertEqual(0, self.helper.end())
        self.assertRaises(errors.HelperUnavailable, client.call.helper_ping)
