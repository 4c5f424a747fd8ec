"""The agent's workers: bounded, and never all held up by tasks that hang."""

import testtools

from mycloud.agent.executor import Executor, Progress
from mycloud.agent.scheduler import Scheduler
from mycloud.common import concurrency, exceptions
from tests.fixtures.program import wait_for


class ExecutorTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.scheduler = Scheduler()
        self.scheduler.start()
        self.addCleanup(self.scheduler.stop)
        self.let_go = concurrency.Event()
        self.addCleanup(self.let_go.set)

    def make(self, **options: int) -> Executor:
        executor = Executor(self.scheduler, **options)
        self.addCleanup(executor.stop)
        self.addCleanup(self.let_go.set)
        executor.start()
        return executor

    def test_results_and_errors(self) -> None:
        executor = self.make(workers=2)
        self.assertEqual(5, executor.run(lambda: 5, name="five", timeout=5))
        job = executor.submit(lambda: 1 / 0, name="bad", timeout=5)
        self.assertIsInstance(job.fault(), ZeroDivisionError)
        self.assertRaises(ZeroDivisionError, job.wait)
        self.assertEqual(Progress.ENDED, job.progress)
        self.assertEqual(0, self.scheduler.waiting)

    def test_a_full_queue(self) -> None:
        executor = self.make(workers=1, queue_size=2)
        first = executor.submit(self.let_go.wait, name="first", timeout=20)
        wait_for(lambda: executor.look()["queued"] == 0, "it begins")
        others = [executor.submit(lambda: 1, name="next", timeout=20) for _ in range(2)]
        error = self.assertRaises(
            exceptions.TooManyTasks, executor.submit, lambda: 1, name="no", timeout=20
        )
        self.assertIn("2 tasks", error.message)
        self.let_go.set()
        first.wait()
        self.assertEqual([1, 1], [job.wait() for job in others])

    def test_a_stuck_worker_is_replaced(self) -> None:
        executor = self.make(workers=1)
        for count in (1, 2, 3):
            job = executor.submit(self.let_go.wait, name=f"hang {count}", timeout=0.05)
            self.assertRaises(exceptions.VerbTimedOut, job.wait)
            self.assertEqual(Progress.STUCK, job.progress)
            self.assertEqual(7, executor.run(lambda: 7, name="next", timeout=5))
        seen = executor.look()
        self.assertEqual((1, ["hang 1", "hang 2", "hang 3"]),
                         (seen["workers"], [each["name"] for each in seen["stuck"]]))
        self.let_go.set()
        wait_for(lambda: not executor.look()["stuck"], "they come back")
        self.assertEqual(1, executor.look()["workers"])

    def test_not_more_than_so_many_are_replaced(self) -> None:
        executor = self.make(workers=1, max_stuck=1)
        for _ in range(2):
            job = executor.submit(self.let_go.wait, name="hang", timeout=0.05)
            self.assertRaises(exceptions.VerbTimedOut, job.wait)
        self.assertEqual(0, executor.look()["workers"])
        # it never begins
        job = executor.submit(lambda: 1, name="late", timeout=0.05)
        self.assertRaises(exceptions.TooManyTasks, job.wait)
        self.assertEqual((Progress.DROPPED, 0), (job.progress, executor.look()["queued"]))
        self.let_go.set()
        wait_for(lambda: executor.look()["workers"] == 1, "one comes back")
        self.assertEqual(7, executor.run(lambda: 7, name="next", timeout=5))

    def test_stop(self) -> None:
        executor = self.make(workers=1)
        job = executor.submit(self.let_go.wait, name="runs", timeout=20)
        waiting = executor.submit(lambda: 1, name="waits", timeout=20)
        wait_for(lambda: executor.look()["queued"] == 1, "one begins")
        stop = concurrency.spawn(executor.stop)
        self.assertRaises(exceptions.ServiceUnavailable, waiting.wait)
        self.assertRaises(
            exceptions.ServiceUnavailable, executor.submit, lambda: 1, name="no", timeout=1
        )
        self.let_go.set()
        stop.wait(5)
        self.assertTrue(job.wait())
        self.assertEqual(0, executor.look()["workers"])
