"""How the client connects, waits and gives up, without a helper."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import fixtures
import testtools

from mycloud.common import concurrency
from mycloud.privileged import client, errors, protocol


class RetryTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now, self.tries = 0.0, 0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def retry(self, **options: Any) -> client.Retry:
        return client.Retry(sleep=self.sleep, clock=lambda: self.now, **options)

    def attempt(self, left: float, *, good_at: int = 99, takes: float = 0.0) -> str:
        self.tries += 1
        self.now += takes
        if self.tries < good_at:
            raise ConnectionRefusedError("not yet")
        return "connected"

    def test_the_third_try_is_the_last(self) -> None:
        answer = self.retry().run(lambda left: self.attempt(left, good_at=3))
        self.assertEqual(("connected", 3), (answer, self.tries))
        self.tries = 0
        self.assertRaises(ConnectionRefusedError, self.retry().run, self.attempt)
        self.assertEqual(3, self.tries)
        self.assertEqual([0.5, 4.0], self.slept[:2])

    def test_60_seconds_in_all(self) -> None:
        slow = self.retry(tries=10)
        self.assertRaises(
            ConnectionRefusedError, slow.run, lambda left: self.attempt(left, takes=25)
        )
        self.assertTrue(self.now <= 100, self.now)
        self.assertEqual(3, self.tries)

    def test_stop(self) -> None:
        stopped = self.retry(stop=lambda: True)
        self.assertRaises(ConnectionRefusedError, stopped.run, self.attempt)
        self.assertEqual((1, []), (self.tries, self.slept))


class ClientTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        # deeper than a socket's path may be
        self.home = Path(self.useFixture(fixtures.TempDir()).path) / ("x" * 100)
        (self.home / "run/privileged").mkdir(parents=True)
        self.addCleanup(client.use, client.current())
        client.configure(self.home, retry=client.Retry(tries=1))

    def serve(self, *answers: Any) -> None:
        """A helper that tells its verbs, gives these answers, and goes."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        folder = self.home / "run/privileged"
        fd = os.open(folder, os.O_PATH)
        listener.bind(f"/proc/self/fd/{fd}/socket")
        os.close(fd)
        listener.listen()

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                verbs = [{"name": "ask", "idempotent": False, "deadline": 0.2}]
                for told in ({"result": verbs}, *answers):
                    length = protocol.length(peer.recv(4))
                    request = protocol.request(peer.recv(length))
                    if told is None:
                        concurrency.sleep(0.3)
                        return
                    peer.sendall(
                        told if isinstance(told, bytes)
                        else protocol.frame({"id": request.id, **told})
                    )

        concurrency.spawn(answer)

    def test_nobody_there(self) -> None:
        error = self.assertRaises(errors.HelperUnavailable, client.call.ask)
        self.assertIn("is mycloud-privileged running?", error.message)
        client.use(None)
        self.assertRaises(errors.HelperUnavailable, client.call.ask)

    def test_one_for_the_process(self) -> None:
        tasks = [concurrency.spawn(client.get) for _ in range(100)]
        self.assertEqual(1, len({id(task.wait(5)) for task in tasks}))

    def test_answers(self) -> None:
        self.serve({"result": 3}, {"error": {"code": "Refused", "message": "no", "details": {}}},
                   {"error": {"code": "OfTomorrow", "message": "new", "details": {"a": 1}}})
        self.assertEqual(3, client.call.ask())
        self.assertRaises(errors.Refused, client.call.ask)
        error = self.assertRaises(errors.PrivilegedError, client.call.ask)
        self.assertEqual(("new", {"a": 1}), (error.message, error.details))

    def test_an_answer_to_something_else(self) -> None:
        for told in ({"id": 77, "result": 1}, b"\0\0\0\2{}", b"\0\0\0\1x", b"\0\0\0\0",
                     b"\xff\xff\xff\xff", {"result": 1, "fds": 2}):
            client.configure(self.home, retry=client.Retry(tries=1))
            (self.home / "run/privileged/socket").unlink(missing_ok=True)
            self.serve(told)
            self.assertRaises(errors.Malformed, client.call.ask)

    def test_it_goes_away_in_a_call(self) -> None:
        self.serve({"result": 1}, None)
        self.assertEqual(1, client.call.ask())
        self.assertRaises(errors.CallLost, client.call.ask)

    def test_no_attribute_by_chance(self) -> None:
        self.assertRaises(AttributeError, getattr, client.call, "__deepcopy__")
