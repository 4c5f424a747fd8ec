"""Signals, handed to whoever waits for them instead of interrupting whatever runs."""

import os
import select
import signal
from collections import deque
from collections.abc import Iterable
from types import FrameType


class SignalBox:
    """Collects signals from now on; ``wait`` gives them one by one. Main thread only.

    The handler does nothing but write into a pipe, which wakes a green or native ``select``.
    """

    def __init__(self, signals: Iterable[signal.Signals]):
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        self._seen: deque[int] = deque()
        self._before = {number: signal.signal(number, self._note) for number in signals}

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._seen.append(number)
        self.wake()

    def wake(self) -> None:
        """Make a ``wait`` return."""
        try:
            # os.write may be green, and a handler must not switch
            os.writev(self._write, [b"!"])
        except BlockingIOError:
            pass  # full of wake-ups already

    def wait(self, timeout: float | None = None) -> int | None:
        """The next signal's number; None after ``timeout`` seconds or a ``wake``."""
        if not self._seen:
            select.select([self._read], [], [], timeout)
        try:
            os.readv(self._read, [bytearray(4096)])
        except BlockingIOError:
            pass
        return self._seen.popleft() if self._seen else None

    def close(self) -> None:
        """Give the signals back to who had them before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._read)
        os.close(self._write)
