"""Something that is done again and again, as a part of the agent: a sampling, a look around."""

from __future__ import annotations

import logging
from collections.abc import Callable

from mycloud.agent.executor import Executor, Job
from mycloud.agent.scheduler import Call, Scheduler
from mycloud.common import exceptions

LOG = logging.getLogger(__name__)

#: A run that takes so long, and three intervals, hangs.
_STUCK_SECONDS = 30.0


class Periodic:
    """Calls a function every so many seconds, in a worker.

    A run that has not ended when the next is due makes that one fall out. What it raises is
    logged. Make a part of your own of it: ``class Sampler(Periodic)``.
    """

    def __init__(
        self, scheduler: Scheduler, executor: Executor, fn: Callable[[], object], interval: float
    ):
        self.name = getattr(fn, "__qualname__", repr(fn))
        self.missed = 0
        self._scheduler = scheduler
        self._executor = executor
        self._fn = fn
        self._interval = interval
        self._call: Call | None = None
        self._job: Job[object] | None = None
        self._stopped = False

    def start(self) -> None:
        """The first run is at once."""
        self._tick()

    def stop(self) -> None:
        """Begin no more runs."""
        self._stopped = True
        if self._call is not None:
            self._call.cancel()

    def _tick(self) -> None:
        if self._stopped:
            return
        self._call = self._scheduler.schedule(self._interval, self._tick)
        if self._job is not None and self._job.goes_on:
            self.missed += 1
            return
        try:
            self._job = self._executor.submit(
                self._fn_logged, name=self.name, timeout=max(_STUCK_SECONDS, 3 * self._interval)
            )
        except exceptions.Unavailable as error:
            self.missed += 1
            LOG.warning("%s falls out: %s", self.name, error.message)

    def _fn_logged(self) -> None:
        failed = True
        try:
            self._fn()
            failed = False
        finally:
            if failed:
                LOG.warning("%s has failed", self.name, exc_info=True)
