"""What a filter is: it refuses hosts, and can say what would have to change."""

import abc
from typing import ClassVar

from mycloud.scheduler.host_state import HostState, Request


class Filter(abc.ABC):
    """One reason to refuse a host.

    ``label`` is what the person who asked reads. ``effort`` tells how hard the change is that
    ``remedy`` names: of all refused hosts, the one with the least effort is shown as the way out.
    """

    label: ClassVar[str]
    #: what the person who asked for the server can change alone
    effort: ClassVar[int] = 1

    @abc.abstractmethod
    def refuses(self, host: HostState, request: Request) -> bool:
        """Whether the host can't have the server."""

    @abc.abstractmethod
    def remedy(self, host: HostState, request: Request) -> str:
        """How a refused host misses the request and what to do, for "The closest host ..."."""

    def shortfall(self, host: HostState, request: Request) -> float:
        """How much of what is asked for a refused host lacks, from 0 to 1."""
        return 1.0
