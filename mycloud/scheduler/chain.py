"""The filters and weighers that the options name, and the ranking of hosts by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oslo_config import cfg

from mycloud.common import clock, plugins
from mycloud.scheduler.filters.base import Filter
from mycloud.scheduler.host_state import HostState, Request
from mycloud.scheduler.weighers.base import Weigher

FILTERS = "mycloud.scheduler.filters"
WEIGHERS = "mycloud.scheduler.weighers"


@dataclass(frozen=True)
class Chain:
    """Filters in the order in which they are asked, and weighers."""

    filters: Sequence[Filter]
    weighers: Sequence[Weigher]

    def rank(self, hosts: Sequence[HostState], request: Request) -> list[HostState]:
        """The hosts that fit, best first; among the ``host_subset_size`` best, and among those
        of the same weight, the order is random."""
        fitting = clock.shuffled(
            host
            for host in hosts
            if not any(each.refuses(host, request) for each in self.filters)
        )
        columns = [each.weights(fitting, request) for each in self.weighers]
        weights = {
            host.id: sum(column[index] for column in columns)
            for index, host in enumerate(fitting)
        }
        fitting.sort(key=lambda host: -weights[host.id])
        size = cfg.CONF.scheduler.host_subset_size
        return clock.shuffled(fitting[:size]) + fitting[size:]


def load() -> Chain:
    """The chain of ``enabled_filters`` and ``enabled_weighers``.

    :raises DriverNotFound: for a name that there is no filter or weigher of
    """
    options = cfg.CONF.scheduler
    return Chain(
        filters=_make(FILTERS, "enabled_filters", options.enabled_filters),
        weighers=_make(WEIGHERS, "enabled_weighers", options.enabled_weighers),
    )


def _make(group: str, option: str, names: Sequence[str]) -> list[Any]:
    return [plugins.find(group, name, f"scheduler.{option}")() for name in names]
