"""Calls at their time: an own timer whose clock is given to it.

A call runs in the timer's thread and must be short; what takes long is given to the executor.
"""

from __future__ import annotations

import heapq
import itertools
import logging
from collections.abc import Callable

from mycloud.common import clock, concurrency

LOG = logging.getLogger(__name__)

#: Cancelled calls are swept out once there are so many, and more of them than of others.
_SWEEP = 64


class Call:
    """A call that is to come. ``cancel`` may be called at any time, more than once."""

    __slots__ = ("at", "number", "fn", "_scheduler")

    def __init__(self, at: float, number: int, fn: Callable[[], object], owner: Scheduler):
        self.at, self.number = at, number
        self.fn: Callable[[], object] | None = fn
        self._scheduler = owner

    def cancel(self) -> None:
        """It will never run, unless it is running already."""
        self._scheduler._cancel(self)

    def __lt__(self, other: Call) -> bool:
        # of two at one time, the one that was scheduled first
        return (self.at, self.number) < (other.at, other.number)


class Scheduler:
    """Runs calls in the order of their deadlines.

    :param now: tells the seconds; whoever turns the clock forward by hand calls ``look``
    """

    def __init__(self, now: Callable[[], float] | None = None):
        # not bound at import: tests put a clock of their own into mycloud.common.clock
        self._now = now or (lambda: clock.monotonic())
        self._condition = concurrency.Condition(reentrant=False)
        self._calls: list[Call] = []
        self._numbers = itertools.count()
        self._cancelled = 0
        self._stopping = False
        self._task: concurrency.Task[None] | None = None

    def start(self) -> None:
        """Begin to run what is due."""
        self._task = concurrency.spawn(self._loop)

    def stop(self) -> None:
        """Run nothing more, and wait for the call that runs."""
        with self._condition:
            self._stopping = True
            self._calls.clear()
            self._condition.notify_all()
        if self._task is not None:
            self._task.ended(5)

    def schedule(self, delay: float, fn: Callable[[], object]) -> Call:
        """Call a function after that many seconds; it is called at once if they are over."""
        call = Call(self._now() + delay, next(self._numbers), fn, self)
        with self._condition:
            if not self._stopping:
                heapq.heappush(self._calls, call)
                if self._calls[0] is call:
                    self._condition.notify_all()
        return call

    def look(self) -> None:
        """The clock has been turned: see what is due now."""
        with self._condition:
            self._condition.notify_all()

    def run_due(self) -> int:
        """Run what is due by now, in order; returns how many calls ran."""
        count = 0
        while True:
            with self._condition:
                fn = self._next_due()
            if fn is None:
                return count
            self._run(fn)
            count += 1

    @property
    def waiting(self) -> int:
        """How many calls are to come."""
        with self._condition:
            return len(self._calls) - self._cancelled

    def _loop(self) -> None:
        while True:
            self.run_due()
            with self._condition:
                if self._stopping:
                    return
                pause = self._calls[0].at - self._now() if self._calls else None
                if pause is None or pause > 0:
                    self._condition.wait(pause)

    def _next_due(self) -> Callable[[], object] | None:
        while self._calls and (self._calls[0].fn is None or self._calls[0].at <= self._now()):
            call = heapq.heappop(self._calls)
            if call.fn is not None:
                fn, call.fn = call.fn, None
                return fn
            self._cancelled -= 1
        return None

    def _cancel(self, call: Call) -> None:
        with self._condition:
            if call.fn is None:
                return
            call.fn = None
            self._cancelled += 1
            if self._cancelled > max(_SWEEP, len(self._calls) // 2):
                self._calls = [each for each in self._calls if each.fn is not None]
                heapq.heapify(self._calls)
                self._cancelled = 0

    def _run(self, fn: Callable[[], object]) -> None:
        """A door, as that of periodic work: a call that fails is logged, the timer goes on."""
        try:
            fn()
        except Exception:
            LOG.exception("A scheduled call failed")
