"""Runs verbs and samplings in a few workers, so that one that hangs does not hold up the rest.

A task has a deadline from the moment that it is given. One that has not begun by then never does.
One that has not ended by then is stuck: whoever waits for it is told, and its worker is given up
and replaced. It can't be killed; when it ends after all, its worker ends with it.
"""

from __future__ import annotations

import enum
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from mycloud.agent.scheduler import Call, Scheduler
from mycloud.common import clock, concurrency, exceptions

LOG = logging.getLogger(__name__)
T = TypeVar("T")

#: Seconds that a stop waits for what runs.
_STOP_SECONDS = 5.0


class Progress(enum.Enum):
    """Where a task is."""

    QUEUED = "queued"
    BEGUN = "begun"
    ENDED = "ended"
    #: it was told to whoever waits that it does not end
    STUCK = "stuck"
    #: it will never begin
    DROPPED = "dropped"


class Job(concurrency.Task[T]):
    """A task that was given to an executor."""

    def __init__(self, name: str, timeout: float, fn: Callable[[], T]):
        super().__init__(fn, (), {})
        self.name = name
        self.timeout = timeout
        self.progress = Progress.QUEUED
        self.given_at = clock.monotonic()
        self.timer: Call | None = None
        self.worker: _Worker | None = None
        self._verdict: exceptions.MycloudError | None = None

    def _end(self) -> None:
        # not yet: the executor says when it is over
        pass

    def wait(self, timeout: float | None = None) -> T:
        """Its result.

        :raises VerbTimedOut: it is stuck
        :raises TooManyTasks: it did not begin in time
        :raises ServiceUnavailable: the executor was stopped before it began
        :raises TimeoutError: it is not over after ``timeout`` seconds
        :raises Exception: what it raised
        """
        if (self.done or self._done.wait(timeout)) and self._verdict is not None:
            raise self._verdict
        return super().wait(0)

    def fault(self) -> BaseException | None:
        """Wait for its end; what it raised, if it did.

        :raises VerbTimedOut: :raises TooManyTasks: :raises ServiceUnavailable: as ``wait``
        """
        self._done.wait()
        if self._verdict is not None:
            raise self._verdict
        return self.error

    @property
    def goes_on(self) -> bool:
        """Whether it waits or runs, be it stuck."""
        return self.progress in (Progress.QUEUED, Progress.BEGUN, Progress.STUCK)

    def tell(self, progress: Progress, verdict: exceptions.MycloudError | None = None) -> None:
        """Let whoever waits go on."""
        self.progress, self._verdict = progress, verdict
        if self.timer is not None:
            self.timer.cancel()
        self._done.set()


class _Worker:
    """One thread."""

    def __init__(self) -> None:
        self.thread: concurrency.Task[None] | None = None


class Executor:
    """See the module.

    :param workers: how many tasks run at a time
    :param queue_size: how many may wait
    :param max_stuck: how many workers are replaced at most
    """

    def __init__(
        self, scheduler: Scheduler, *, workers: int = 8, queue_size: int = 200, max_stuck: int = 32
    ):
        self._scheduler = scheduler
        self._wanted = workers
        self._queue_size = queue_size
        self._max_stuck = max_stuck
        self._condition = concurrency.Condition(reentrant=False)
        self._queue: deque[Job[Any]] = deque()
        self._workers: set[_Worker] = set()
        self._stuck: dict[_Worker, Job[Any]] = {}
        self._stopping = False

    def start(self) -> None:
        """Start the workers."""
        with self._condition:
            for _ in range(self._wanted):
                self._add_worker()

    def stop(self) -> None:
        """Take nothing more, drop what has not begun, wait a while for what has."""
        with self._condition:
            self._stopping = True
            dropped, self._queue = list(self._queue), deque()
            self._condition.notify_all()
            threads = [worker.thread for worker in self._workers if worker.thread is not None]
        for job in dropped:
            job.tell(Progress.DROPPED, exceptions.ServiceUnavailable(service="agent"))
        until = clock.monotonic() + _STOP_SECONDS
        for thread in threads:
            if not thread.ended(max(0, until - clock.monotonic())):
                LOG.warning("A task of the agent still runs")

    def submit(self, fn: Callable[[], T], *, name: str, timeout: float) -> Job[T]:
        """Give a task, in this one's context; ``timeout``: seconds until it must have ended.

        :raises TooManyTasks: the queue is full
        :raises ServiceUnavailable: the executor is stopped
        """
        job = Job(name, timeout, fn)
        with self._condition:
            if self._stopping:
                raise exceptions.ServiceUnavailable(service="agent")
            if len(self._queue) >= self._queue_size:
                raise exceptions.TooManyTasks(count=len(self._queue))
            job.timer = self._scheduler.schedule(timeout, lambda: self._expire(job))
            self._queue.append(job)
            self._condition.notify()
        return job

    def run(self, fn: Callable[[], T], *, name: str, timeout: float) -> T:
        """Give a task and wait for it; raises what ``submit`` and ``Job.wait`` raise."""
        return self.submit(fn, name=name, timeout=timeout).wait()

    def look(self) -> dict[str, Any]:
        """What there is to see: numbers of workers and of tasks, and what is stuck."""
        now = clock.monotonic()
        with self._condition:
            return {
                "workers": len(self._workers),
                "queued": len(self._queue),
                "queue_size": self._queue_size,
                "stuck": [
                    {"name": job.name, "seconds": round(now - job.given_at, 3)}
                    for job in self._stuck.values()
                ],
            }

    # -- workers -------------------------------------------------------------------------------

    def _add_worker(self) -> None:
        worker = _Worker()
        self._workers.add(worker)
        worker.thread = concurrency.spawn(self._work, worker)

    def _work(self, worker: _Worker) -> None:
        while True:
            job = self._take(worker)
            if job is None:
                return
            job.run()
            if not self._put_back(worker, job):
                return

    def _take(self, worker: _Worker) -> Job[Any] | None:
        with self._condition:
            while not self._queue and not self._stopping:
                self._condition.wait()
            if not self._queue:
                self._workers.discard(worker)
                return None
            job = self._queue.popleft()
            job.progress, job.worker = Progress.BEGUN, worker
            return job

    def _put_back(self, worker: _Worker, job: Job[Any]) -> bool:
        """The task has ended; whether its worker goes on."""
        with self._condition:
            late = self._stuck.pop(worker, None) is not None
            if late:
                job.progress = Progress.ENDED
            else:
                job.tell(Progress.ENDED)
                return True
            seconds = clock.monotonic() - job.given_at
            LOG.warning("%s has ended after all, after %.1f s", job.name, seconds)
            if len(self._workers) >= self._wanted or self._stopping:
                return False
            self._workers.add(worker)
            return True

    def _expire(self, job: Job[Any]) -> None:
        with self._condition:
            if job.done:
                return
            if job.worker is None:
                self._queue.remove(job)
                job.tell(Progress.DROPPED, exceptions.TooManyTasks(count=len(self._queue)))
                return
            self._workers.discard(job.worker)
            self._stuck[job.worker] = job
            replaced = len(self._stuck) <= self._max_stuck and not self._stopping
            if replaced:
                self._add_worker()
            job.tell(
                Progress.STUCK, exceptions.VerbTimedOut(verb=job.name, seconds=job.timeout)
            )
        LOG.error(
            "%s has not ended after %g s; its worker is %s", job.name, job.timeout,
            "replaced" if replaced else "lost: too many hang",
        )
