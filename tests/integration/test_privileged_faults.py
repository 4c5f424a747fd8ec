"""What comes to the root helper that it never expected: it answers or closes, and lives on."""

from __future__ import annotations

import json
import os
import pwd
import random
import socket
import struct
import subprocess
import sys
import unittest
from typing import Any

import testtools

from mycloud.common import concurrency
from mycloud.privileged import client, descriptors, errors, protocol
from tests.fixtures import privileged
from tests.fixtures.privileged import PrivilegedHelper
from tests.fixtures.program import wait_for

NOBODY = pwd.getpwnam("nobody").pw_uid


class Case(testtools.TestCase):
    """A helper with verbs that misbehave."""

    def setUp(self) -> None:
        super().setUp()
        self.helper = self.useFixture(PrivilegedHelper(tried=True))
        self.pid = client.call.helper_ping()["pid"]

    def assert_lives(self) -> None:
        self.assertEqual(self.pid, client.call.helper_ping()["pid"])

    def connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(sock.close)
        sock.settimeout(20)
        sock.connect(str(self.helper.socket))
        return sock

    def answer(self, sock: socket.socket) -> Any:
        """The next answer, or None: it was closed."""
        try:
            header = sock.recv(4, socket.MSG_WAITALL)
            if len(header) < 4:
                return None
            return json.loads(sock.recv(struct.unpack("!I", header)[0], socket.MSG_WAITALL))
        except ConnectionError:
            return None

    def tell(self, body: bytes) -> Any:
        sock = self.connect()
        sock.sendall(struct.pack("!I", len(body)) + body)
        return self.answer(sock)


@unittest.skipIf(privileged.why_not(), privileged.why_not())
class FramesTest(Case):
    def test_what_is_no_call(self) -> None:
        deep = b"[" * 100000 + b"]" * 100000
        for body in (
            b"x", b"\xff\xfe", b"null", b"[]", b"{}", b'"x"', b"1", deep, b'{"id": 1}',
            b'{"id": "1", "verb": "helper_ping"}', b'{"id": true, "verb": "helper_ping"}',
            b'{"id": 1, "verb": 1}', b'{"id": 1, "verb": "helper_ping", "args": {}}',
            b'{"id": 1, "verb": "helper_ping", "kwargs": []}',
            b'{"id": 1, "verb": "helper_ping", "extra": 1}',
            b'{"id": 1, "verb": "helper_ping", "deadline": -1}',
            b'{"id": 1, "verb": "helper_ping", "deadline": NaN}',
            b'{"id": 1, "verb": "helper_ping", "operation": ["x"]}',
            b'{"id": 1, "verb": "\\ud800"}',
            b'{"id": 1, "verb": "helper_ping", "args": [' + b"[" * 40 + b"]" * 40 + b"]}",
            b'{"id": ' + b"1" * 5000 + b', "verb": "helper_ping"}',
            b"cos\nsystem\n(S'id'\ntR.",
        ):
            answer = self.tell(body)
            self.assertEqual("Malformed", answer["error"]["code"], body[:80])
        self.assert_lives()

    def test_what_fits_no_verb(self) -> None:
        for told, code in (
            ({"verb": ""}, "UnknownVerb"), ({"verb": "x" * 10000}, "UnknownVerb"),
            ({"verb": "__class__"}, "UnknownVerb"), ({"verb": "test_unmarked"}, "UnknownVerb"),
            ({"verb": "../verbs"}, "UnknownVerb"), ({"verb": "login"}, "UnknownVerb"),
            ({"verb": "helper_ping", "args": [1]}, "InvalidArguments"),
            ({"verb": "helper_ping", "kwargs": {"self": 1}}, "InvalidArguments"),
            ({"verb": "tap_open", "args": ["--help"]}, "InvalidArguments"),
            ({"verb": "tap_open", "args": ["a\0b"]}, "InvalidArguments"),
            ({"verb": "tap_open", "args": [["tap0"]]}, "InvalidArguments"),
            ({"verb": "tap_open", "args": ["../../tap"]}, "InvalidArguments"),
            ({"verb": "tap_open", "args": ["t"], "kwargs": {"owner": 1.5}}, "InvalidArguments"),
            ({"verb": "test_wait_for", "args": ["/tmp/../etc/x"]}, "InvalidArguments"),
        ):
            answer = self.tell(json.dumps({"id": 7, **told}).encode())
            self.assertEqual((7, code), (answer["id"], answer["error"]["code"]), told)
        self.assert_lives()

    def test_length(self) -> None:
        for length in (0, protocol.MAX_BYTES + 1, (1 << 32) - 1):
            header = struct.pack("!I", length)
            sock = self.connect()
            sock.sendall(header)
            self.assertEqual("Malformed", self.answer(sock)["error"]["code"])
            self.assertIsNone(self.answer(sock))
        body = json.dumps({"id": 1, "verb": "helper_ping"}).encode()
        longest = body + b" " * (protocol.MAX_BYTES - len(body))
        self.assertIn("result", self.tell(longest))

    def test_cut_frames(self) -> None:
        body = protocol.frame({"id": 1, "verb": "helper_ping"})
        for end in range(len(body)):
            sock = self.connect()
            sock.sendall(body[:end])
            sock.close()
        self.assert_lives()

    def test_frames_in_pieces_and_in_a_row(self) -> None:
        sock = self.connect()
        one = protocol.frame({"id": 1, "verb": "helper_ping"})
        for byte in one:
            sock.sendall(bytes([byte]))
        self.assertEqual(1, self.answer(sock)["id"])
        sock.sendall(one * 50)
        self.assertEqual([1] * 50, [self.answer(sock)["id"] for _ in range(50)])

    def test_10000_random_frames(self) -> None:
        chance = random.Random(4)
        words = ["id", "verb", "args", "kwargs", "helper_ping", "tap_open", "-x", "/..", "", "\0"]

        def made(depth: int) -> Any:
            kind = chance.randrange(8 if depth < 4 else 5)
            if kind < 5:
                return [chance.choice(words), chance.randrange(-5, 5), None, True, 1.5][kind]
            if kind < 7:
                return {chance.choice(words): made(depth + 1) for _ in range(chance.randrange(6))}
            return [made(depth + 1) for _ in range(chance.randrange(4))]

        sock, answers = self.connect(), 0
        for number in range(10000):
            if number % 2:
                body = json.dumps({"id": 1, "verb": "helper_ping", "args": [made(0)]}).encode()
                frame = struct.pack("!I", len(body)) + body
            else:
                frame = chance.choice([
                    chance.randbytes(chance.randrange(1, 300)), protocol.frame({"x": made(0)}),
                ])
            try:
                sock.sendall(frame)
                answer = self.answer(sock) if number % 2 else None
            except (OSError, TimeoutError, ValueError):
                answer = None
            if answer is None:
                sock.close()
                sock = self.connect()
            else:
                answers += 1
                self.assertIn("error", answer)
        self.assertGreater(answers, 2000)
        self.assert_lives()

    def test_wrong_peer(self) -> None:
        """Another user is not served even where the socket lets it in."""
        os.chmod(self.helper.socket.parent, 0o755)
        os.chmod(self.helper.socket, 0o666)
        script = (
            "import os, socket, sys\n"
            f"os.setgid({NOBODY}); os.setuid({NOBODY})\n"
            "s = socket.socket(socket.AF_UNIX)\n"
            f"s.connect({str(self.helper.socket)!r})\n"
            "try:\n"
            f"    s.sendall({protocol.frame({'id': 1, 'verb': 'helper_ping'})!r})\n"
            "    print(s.recv(1))\n"
            "except ConnectionError:\n"
            "    print(b'')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        self.assertEqual("b''\n", done.stdout)
        self.assertIn(f"of uid {NOBODY} is not served", self.helper.log())
        self.assert_lives()

    def test_descriptors_sent_to_it_are_dropped(self) -> None:
        before = len(os.listdir(f"/proc/{self.pid}/fd"))
        sock = self.connect()
        frame = protocol.frame({"id": 1, "verb": "helper_ping"})
        for _ in range(20):
            socket.send_fds(sock, [frame], [0, 1, 2])
            self.assertEqual(1, self.answer(sock)["id"])
        sock.close()
        wait_for(
            lambda: len(os.listdir(f"/proc/{self.pid}/fd")) <= before, "the descriptors are closed"
        )


@unittest.skipIf(privileged.why_not(), privileged.why_not())
class PeersTest(Case):
    def test_slow_and_silent_peers_are_dropped(self) -> None:
        silent, half = self.connect(), self.connect()
        half.sendall(b"\0\0")
        deaf = self.connect()
        frame = protocol.frame({"id": 1, "verb": "test_big", "args": [900000]})
        deaf.sendall(frame * 3)
        idle = client.get()
        self.assertEqual(b"", silent.recv(1))
        self.assertEqual(b"", half.recv(1))
        wait_for(lambda: self.helper.log().count("was too slow") == 3, "the deaf one is dropped")
        # who has called once may be silent for as long as it likes
        self.assertIs(idle, client.get())
        self.assert_lives()

    def test_1000_parallel_calls(self) -> None:
        socks = [self.connect() for _ in range(1000)]
        for number, sock in enumerate(socks):
            sock.sendall(protocol.frame({"id": number, "verb": "test_big", "args": [number]}))
        for number, sock in enumerate(socks):
            answer = self.answer(sock)
            self.assertEqual((number, number), (answer["id"], len(answer["result"])))
        tasks = [concurrency.spawn(client.call.helper_ping) for _ in range(1000)]
        self.assertEqual({self.pid}, {task.wait(30)["pid"] for task in tasks})

    def test_1000_half_open_peers_hold_nobody_up(self) -> None:
        for _ in range(1000):
            self.connect().sendall(b"\0\0\1")
        self.assert_lives()


@unittest.skipIf(privileged.why_not(), privileged.why_not())
class CallsTest(Case):
    def test_every_end_of_a_verb(self) -> None:
        error = self.assertRaises(errors.Refused, client.call.test_fail, "refused")
        self.assertEqual(("No, for a reason", {"reason": "a reason"}),
                         (error.message, error.details))
        error = self.assertRaises(errors.SystemFailed, client.call.test_fail, "system")
        self.assertEqual(2, error.details["errno"])
        error = self.assertRaises(errors.ProgramFailed, client.call.test_fail, "program")
        self.assertEqual((3, "it hurts"), (error.details["status"], error.details["stderr"]))
        error = self.assertRaises(errors.ProgramFailed, client.call.test_fail, "missing")
        self.assertIn("is not installed", error.message)
        for kind in ("fault", "exit", "result"):
            self.assertRaises(errors.VerbFailed, client.call.test_fail, kind)
        self.assertIn("KeyError: 'a fault of its own'", self.helper.log())
        self.assert_lives()

    def test_answers_that_are_too_long(self) -> None:
        self.assertEqual(900000, len(client.call.test_big(900000)))
        self.assertRaises(errors.VerbFailed, client.call.test_big, 2000000)
        self.assertRaises(errors.InvalidArguments, client.call.test_login, "x" * 2000000)
        self.assert_lives()

    def test_secrets_are_masked(self) -> None:
        client.call.test_login("jane", password="correct horse")
        self.assertRaises(errors.InvalidArguments, client.call.test_login, 1, password="battery")
        log = self.helper.log()
        self.assertIn("test_login(user='jane', password=***)", log)
        for secret in ("horse", "battery"):
            self.assertNotIn(secret, log)

    def test_deadlines(self) -> None:
        error = self.assertRaises(errors.DeadlineExceeded, client.call.test_slow, 2.5)
        self.assertTrue(error.details["started"])
        with client.within(0.2):
            self.assertRaises(errors.DeadlineExceeded, client.call.test_slow, 0.9)
        self.assertEqual("done", client.call.test_slow(0.01))
        self.assert_lives()

    def test_stuck_verbs_leave_room_for_others(self) -> None:
        stop = self.helper.state / "stop"
        with client.within(0.5):
            tasks = [concurrency.spawn(client.call.test_wait_for, str(stop)) for _ in range(100)]
        for task in tasks:
            self.assertRaises(errors.DeadlineExceeded, task.wait, 20)
        self.assert_lives()
        stop.touch()

    def test_what_a_verb_knows(self) -> None:
        with client.operation("0b51f1c5"), client.within(9):
            known = client.call.test_where()
        self.assertEqual("0b51f1c5", known["operation"])
        self.assertTrue(8 < known["remaining"] <= 9)
        self.assertEqual((0, str(self.helper.state)), (known["uid"], known["service_dir"]))
        self.assertTrue({"lock", "pid"} <= set(known["own"]))
        self.assertTrue(known["no_new_privs"])
        # neither it nor what it starts may load a kernel image, trace the boot, set the clock ...
        for mask in (known["capabilities"], known["of_programs"]):
            self.assertEqual(0, int(mask, 16) & (1 << 22 | 1 << 25 | 1 << 29 | 1 << 30 | 1 << 39))
            self.assertTrue(int(mask, 16) & 1 << 12)

    def test_descriptors(self) -> None:
        opened = client.call.test_pipes(5)
        self.addCleanup(opened.close)
        self.assertEqual({"count": 5}, opened.value)
        self.assertEqual([b"0", b"1", b"2", b"3", b"4"], [os.read(fd, 9) for fd in opened.fds])
        before = len(os.listdir(f"/proc/{self.pid}/fd"))
        self.assertRaises(errors.VerbFailed, client.call.test_pipes, 17)
        self.assertEqual({"count": 0}, client.call.test_pipes(0))
        self.assertEqual(before, len(os.listdir(f"/proc/{self.pid}/fd")))
        self.assertIsInstance(opened, descriptors.Opened)


@unittest.skipIf(privileged.why_not(), privileged.why_not())
class KilledTest(Case):
    """``kill -9`` before, between and after the steps of a verb."""

    def place(self, name: str) -> str:
        path = self.helper.state / name
        path.mkdir()
        return str(path)

    def test_a_call_that_may_be_half_done_is_lost(self) -> None:
        for point in range(4):
            place = self.place(f"lost{point}")
            error = self.assertRaises(errors.CallLost, client.call.test_steps, place, point)
            self.assertIn("may be done, or not, or half", error.message)
            self.assertEqual(sorted([*map(str, range(min(point, 3))), "died"]),
                             sorted(os.listdir(place)))
            self.helper.process.wait(20)
            self.helper.start()
            self.assertNotEqual(self.pid, client.call.helper_ping()["pid"])

    def test_an_idempotent_one_is_done_again(self) -> None:
        for point in range(4):
            place = self.place(f"again{point}")
            task = concurrency.spawn(client.call.test_steps_again, place, point)
            wait_for(lambda: self.helper.process.poll() is not None, "the helper has died")
            self.helper.start()
            self.assertEqual(["0", "1", "2", "died"], task.wait(20))

    def test_a_call_before_the_death_was_seen_is_made_again(self) -> None:
        """What was not begun can't be lost, whatever the verb."""
        self.helper.kill()
        self.helper.start()
        self.assertEqual("jane", client.call.test_login("jane"))

    def test_sigterm_waits_for_calls_and_begins_no_more(self) -> None:
        stop = self.helper.state / "stop"
        task = concurrency.spawn(client.call.test_wait_for, str(stop))
        wait_for(self.helper.state.joinpath("stop.begun").exists, "the call is under way")
        ending = concurrency.spawn(self.helper.end)
        wait_for(lambda: "1 calls under way" in self.helper.log(), "it drains")
        self.assertFalse(task.done)
        late = concurrency.spawn(client.call.test_login, "jane")
        stop.touch()
        self.assertEqual("seen", task.wait(20))
        self.assertEqual(0, ending.wait(20))
        self.helper.start()
        self.assertEqual("jane", late.wait(20))
