"""What a weigher is: it gives each host that fits a figure."""

import abc
from collections.abc import Sequence
from typing import ClassVar

from oslo_config import cfg

from mycloud.scheduler.host_state import HostState, Request


class Weigher(abc.ABC):
    """One reason to prefer a host.

    The figures of all hosts are stretched to 0 .. 1 and multiplied with the option ``multiplier``
    of [scheduler]; a negative one prefers the opposite.
    """

    multiplier: ClassVar[str]

    @abc.abstractmethod
    def figure(self, host: HostState, request: Request) -> float:
        """More is better; of any range."""

    def weights(self, hosts: Sequence[HostState], request: Request) -> list[float]:
        """What this weigher adds to the weight of each host."""
        factor = cfg.CONF.scheduler[self.multiplier]
        figures = [self.figure(host, request) for host in hosts] if factor else []
        lowest, highest = min(figures, default=0.0), max(figures, default=0.0)
        if lowest == highest:
            return [0.0] * len(hosts)
        return [factor * (figure - lowest) / (highest - lowest) for figure in figures]
