"""Waiting: at once, with growing pauses, not longer than asked."""

import testtools

from mycloud.client import errors, waiting
from tests.fixtures.fake_cloud import Reply
from tests.unit.cli.case import OPERATION_ID, SERVER, SERVER_ID, operation
from tests.unit.client.test_transport import TransportCase

OPERATION = f"/cloud/v1/operations/{OPERATION_ID}"


class PollTest(testtools.TestCase):
    def test_no_pause_when_it_is_so_already(self) -> None:
        self.assertEqual("yes", waiting.poll(lambda: "yes", "it", sleep=self.fail))

    def test_pauses_grow(self) -> None:
        pauses: list[float] = []
        answers = iter([None] * 8 + ["done"])
        waiting.poll(lambda: next(answers), "it", sleep=pauses.append)
        self.assertEqual(8, len(pauses))
        self.assertEqual(sorted(pauses), pauses)
        self.assertEqual(1.0, max(pauses))

    def test_ends_in_time(self) -> None:
        error = self.assertRaises(
            errors.WaitTimeout, waiting.poll, lambda: None, "the rain", timeout=0
        )
        self.assertIn("Waited 0 s for the rain", str(error))


class OperationWaitTest(TransportCase):
    def answers(self, *documents: dict[str, object]) -> None:
        self.cloud.on("GET", OPERATION, *(Reply(200, {"operation": one}) for one in documents))

    def test_every_change_is_shown_once(self) -> None:
        running = operation("running", ("a", "running"))
        self.answers(operation("pending"), running, running, operation("succeeded", ("a", "done")))
        seen: list[tuple[str, int]] = []
        ended = self.client().operations.wait(
            OPERATION_ID, on_change=lambda op: seen.append((op.state, len(op.steps)))
        )
        self.assertTrue(ended.succeeded)
        self.assertEqual([("pending", 0), ("running", 1), ("succeeded", 1)], seen)

    def test_failure_carries_the_operation(self) -> None:
        self.answers(operation("failed", ("a", "failed"), reason="No.", code="no_valid_host"))
        error = self.assertRaises(
            errors.OperationFailed, self.client().operations.wait, OPERATION_ID
        )
        self.assertEqual("no_valid_host", error.operation.code)
        self.assertIn("No.", str(error))

    def test_cancelled_is_a_failure_that_says_so(self) -> None:
        self.answers(operation("cancelled"))
        error = self.assertRaises(
            errors.OperationFailed, self.client().operations.wait, OPERATION_ID
        )
        self.assertIn("cancelled", str(error))

    def test_a_restart_of_the_cloud_is_waited_out(self) -> None:
        busy, done = Reply(503), Reply(200, {"operation": operation("succeeded")})
        self.cloud.on("GET", OPERATION, busy, busy, done)
        self.assertTrue(self.client().operations.wait(OPERATION_ID).succeeded)

    def test_server_waits_for_the_end_of_its_task(self) -> None:
        still = SERVER | {"OS-EXT-STS:task_state": "powering-off"}
        off = SERVER | {"status": "SHUTOFF"}
        path = f"/compute/v2.1/servers/{SERVER_ID}"
        self.cloud.on("POST", f"{path}/action", Reply(202))
        self.cloud.on("GET", path, *(Reply(200, {"server": one}) for one in (still, SERVER, off)))
        servers = self.client().servers
        server = servers.wait(servers.stop(SERVER_ID), status="SHUTOFF")
        self.assertEqual("SHUTOFF", server.status)
        self.assertEqual(3, len(self.cloud.asked("GET", path)))
