"""The last sample of a host, and the one before it for rates."""

from __future__ import annotations

import dataclasses
import datetime
import logging
from collections.abc import Callable
from pathlib import Path

from mycloud.agent.hypervisor import GuestFigures, Hypervisor
from mycloud.agent.periodic import Periodic
from mycloud.agent.statistics import proc
from mycloud.common import clock, concurrency, exceptions

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Sample:
    """A host at one moment.

    :ivar at: by the monotonic clock
    :ivar took_seconds: what it cost to ask the kernel and the hypervisor
    :ivar trouble: why the guests are not known; None: they are
    """

    taken_at: datetime.datetime
    at: float
    took_seconds: float
    host: proc.HostFigures
    guests: tuple[GuestFigures, ...]
    trouble: str | None = None


class Sampler:
    """Takes samples of one host; any number of threads may ask for them.

    :param state_dir: the file system whose space counts
    :param max_age: seconds after which the last sample is too old to be told
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        state_dir: Path,
        *,
        max_age: float,
        figures: Callable[[Path], proc.HostFigures] = proc.figures,
    ) -> None:
        self.hypervisor = hypervisor
        self._state_dir = state_dir
        self._max_age = max_age
        self._figures = figures
        self._taking = concurrency.Lock()
        #: the last one and the one before it
        self._samples: tuple[Sample | None, Sample | None] = (None, None)

    def take(self) -> Sample:
        """Take a sample now; whoever else takes one is waited for."""
        with self._taking:
            return self._take()

    def current(self) -> tuple[Sample, Sample | None]:
        """The last sample, or a fresh one if that is too old, and the one before it.

        While another is being taken, the last one is told however old it is: a hypervisor that
        hangs holds up nobody who only wants to look.
        """
        last, before = self._samples
        if last is None:
            with self._taking:
                if self._samples[0] is None:
                    self._take()
        elif clock.monotonic() - last.at > self._max_age and self._taking.acquire(timeout=0):
            try:
                self._take()
            finally:
                self._taking.release()
        last, before = self._samples
        assert last is not None
        return last, before

    def _take(self) -> Sample:
        began = clock.monotonic()
        guests: list[GuestFigures] = []
        trouble = None
        try:
            guests = self.hypervisor.statistics()
        except exceptions.MycloudError as error:
            trouble = error.message
            LOG.warning("The guests' figures are not known: %s", trouble)
        host = self._figures(self._state_dir)
        now = clock.monotonic()
        sample = Sample(clock.now(), now, now - began, host, tuple(guests), trouble)
        self._samples = (sample, self._samples[0])
        return sample


class Sampling(Periodic):
    """Takes samples as long as the agent lives."""
