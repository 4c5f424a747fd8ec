"""The agent's timer, with a clock that the test turns."""

import testtools

from mycloud.agent.executor import Executor
from mycloud.agent.periodic import Periodic
from mycloud.agent.scheduler import Scheduler
from mycloud.common import concurrency
from tests.fixtures.program import wait_for


class HandClock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class SchedulerTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = HandClock()
        self.scheduler = Scheduler(self.clock)
        self.ran: list[str] = []

    def schedule(self, delay: float, name: str) -> object:
        return self.scheduler.schedule(delay, lambda: self.ran.append(name))

    def test_in_the_order_of_deadlines(self) -> None:
        self.schedule(5, "five")
        self.schedule(1, "one")
        self.schedule(5, "five again")
        self.schedule(3, "three")
        self.assertEqual(0, self.scheduler.run_due())
        self.clock.seconds += 3
        self.assertEqual(2, self.scheduler.run_due())
        self.clock.seconds += 100
        self.schedule(-200, "long ago")
        self.scheduler.run_due()
        self.assertEqual(["one", "three", "long ago", "five", "five again"], self.ran)
        self.assertEqual(0, self.scheduler.waiting)

    def test_cancelled_never_run(self) -> None:
        call = self.scheduler.schedule(1, lambda: self.ran.append("no"))
        self.schedule(1, "yes")
        call.cancel()
        call.cancel()
        self.assertEqual(1, self.scheduler.waiting)
        self.clock.seconds += 2
        self.scheduler.run_due()
        call.cancel()
        self.assertEqual(["yes"], self.ran)

    def test_many_cancelled_take_no_room(self) -> None:
        for _ in range(10_000):
            self.scheduler.schedule(30, list).cancel()
        self.assertLess(len(self.scheduler._calls), 200)
        self.schedule(1, "yes")
        self.assertEqual(1, self.scheduler.waiting)

    def test_runs_by_itself(self) -> None:
        self.addCleanup(self.scheduler.stop)
        self.scheduler.start()
        happened = concurrency.Event()
        self.scheduler.schedule(10, lambda: 1 / 0)
        self.scheduler.schedule(11, happened.set)
        cancelled = self.scheduler.schedule(10.5, lambda: self.ran.append("no"))
        cancelled.cancel()
        self.assertFalse(happened.wait(0.05))
        self.clock.seconds += 20
        self.scheduler.look()
        # the one before it has failed
        self.assertTrue(happened.wait(5))
        self.assertEqual([], self.ran)

    def test_with_the_real_clock(self) -> None:
        scheduler = Scheduler()
        self.addCleanup(scheduler.stop)
        scheduler.start()
        order: list[int] = []
        done = concurrency.Event()
        scheduler.schedule(0.06, done.set)
        scheduler.schedule(0.04, lambda: order.append(2))
        scheduler.schedule(0.02, lambda: order.append(1))
        self.assertTrue(done.wait(5))
        self.assertEqual([1, 2], order)

    def test_nothing_runs_after_the_stop(self) -> None:
        self.scheduler.start()
        self.schedule(1, "no")
        self.scheduler.stop()
        self.schedule(0, "no")
        self.clock.seconds += 10
        self.assertEqual(0, self.scheduler.run_due())


class PeriodicTest(testtools.TestCase):
    def test_again_and_again(self) -> None:
        clock = HandClock()
        scheduler = Scheduler(clock)
        self.addCleanup(scheduler.stop)
        executor = Executor(scheduler, workers=2)
        self.addCleanup(executor.stop)
        executor.start()
        go_on = concurrency.Event()
        self.addCleanup(go_on.set)
        runs: list[int] = []

        def look() -> None:
            runs.append(len(runs))
            if len(runs) == 2:
                raise ZeroDivisionError
            if len(runs) == 3:
                go_on.wait()

        periodic = Periodic(scheduler, executor, look, 10)
        periodic.start()
        for count in (1, 2, 3):
            wait_for(lambda count=count: len(runs) == count, "a run")
            wait_for(lambda: not periodic._job.goes_on or len(runs) == 3, "its end")
            clock.seconds += 10
            scheduler.run_due()
        # the third goes on: what was due meanwhile fell out
        self.assertEqual((3, 1), (len(runs), periodic.missed))
        go_on.set()
        wait_for(lambda: not periodic._job.goes_on, "it ends")
        clock.seconds += 10
        scheduler.run_due()
        wait_for(lambda: len(runs) == 4, "the next run")
        periodic.stop()
        clock.seconds += 100
        scheduler.run_due()
        self.assertEqual(4, len(runs))
