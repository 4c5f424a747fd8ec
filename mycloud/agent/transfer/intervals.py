"""Which bytes of a file have been seen to."""

from __future__ import annotations


class Intervals:
    """A set of bytes as half-open stretches, in order, none touching another."""

    def __init__(self) -> None:
        self._stretches: list[tuple[int, int]] = []

    def add(self, start: int, end: int) -> None:
        """Have the bytes from ``start`` up to ``end``, which is not among them."""
        if start >= end:
            return
        kept = []
        for low, high in self._stretches:
            if high < start or low > end:
                kept.append((low, high))
            else:
                start, end = min(start, low), max(end, high)
        self._stretches = sorted([*kept, (start, end)])

    def has(self, start: int, end: int) -> bool:
        """Whether all of these bytes are in it."""
        return start >= end or any(
            low <= start and end <= high for low, high in self._stretches
        )

    def touches(self, start: int, end: int) -> bool:
        """Whether one of these bytes is in it."""
        return any(low < end and start < high for low, high in self._stretches)

    def told(self) -> list[list[int]]:
        """As JSON can say it: [start, end] pairs."""
        return [[low, high] for low, high in self._stretches]
