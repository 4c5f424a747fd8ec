"""What ``/metrics`` shows: pages of others, one after another."""

from __future__ import annotations

from collections.abc import Callable

from mycloud.agent.statistics import exposition

#: Gives whole lines in Prometheus' text format.
Source = Callable[[], bytes]


class Metrics:
    """A part of the agent. Others add their sources while the agent is put together."""

    CONTENT_TYPE = exposition.CONTENT_TYPE

    def __init__(self) -> None:
        self._sources: list[Source] = []

    def start(self) -> None:
        """Nothing runs of it."""

    def stop(self) -> None:
        """Nothing runs of it."""

    def add(self, source: Source) -> None:
        """Show that too, after what is there already."""
        self._sources.append(source)

    def render(self) -> bytes:
        """The page."""
        return b"".join(source() for source in self._sources)
