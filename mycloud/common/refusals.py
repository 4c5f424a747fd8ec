"""Slows down who guesses: counts what was refused to one address, in one process."""

import contextlib
from collections.abc import Callable, Iterator

from mycloud.common import clock, concurrency, exceptions

_SECONDS = 60
#: Addresses remembered at most; the oldest are forgotten first.
_ADDRESSES = 10000


class Refusals:
    """Refusals of the last minute, by address.

    :param limit: after so many nothing more is looked at
    """

    def __init__(self, limit: Callable[[], int]):
        self._limit = limit
        self._lock = concurrency.Lock()
        #: address -> (begin of its minute, refusals since)
        self._seen: dict[str, tuple[float, int]] = {}

    @contextlib.contextmanager
    def counted(self, address: str) -> Iterator[None]:
        """Run the block unless too much was refused to that address; count what it refuses.

        :raises TooManyRefusals:
        """
        self.check(address)
        try:
            yield
        except exceptions.Forbidden:
            self.note(address)
            raise

    def check(self, address: str) -> None:
        """:raises TooManyRefusals:"""
        with self._lock:
            begin, count = self._seen.get(address, (0.0, 0))
        if count >= self._limit() and clock.monotonic() - begin < _SECONDS:
            raise exceptions.TooManyRefusals()

    def note(self, address: str) -> None:
        """Something was refused to it."""
        now = clock.monotonic()
        with self._lock:
            begin, count = self._seen.pop(address, (now, 0))
            if now - begin >= _SECONDS:
                begin, count = now, 0
            self._seen[address] = (begin, count + 1)
            while len(self._seen) > _ADDRESSES:
                del self._seen[next(iter(self._seen))]
