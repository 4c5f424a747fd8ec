"""A bounded number of threads that run calls; more are started only as they are needed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

Job = Callable[[], None]


class Workers:
    """Jobs never raise."""

    def __init__(self, most: int):
        self._most = most
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._guard = threading.Lock()
        #: threads that wait, threads at all, jobs that no thread is meant for yet
        self._idle = self._count = self._backlog = 0

    def give(self, job: Job) -> None:
        """Have it run, as soon as a thread is free."""
        with self._guard:
            self._jobs.put(job)
            if self._idle:
                self._idle -= 1
                return
            if self._count >= self._most:
                self._backlog += 1
                return
            self._count += 1
        threading.Thread(target=self._work, daemon=True).start()

    def allow(self, more: int) -> None:
        """So many threads are stuck in jobs: let others take their place (negative: no more)."""
        with self._guard:
            self._most += more
            start = self._backlog > 0 and self._count < self._most
            if start:
                self._backlog -= 1
                self._count += 1
        if start:
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            self._jobs.get()()
            with self._guard:
                if self._count > self._most:
                    self._count -= 1
                    return
                if self._backlog:
                    self._backlog -= 1
                else:
                    self._idle += 1
