"""Waiting for something to become true, by asking again and again."""

from collections.abc import Callable
from typing import TypeVar

from mycloud.client import defaults
from mycloud.client.errors import WaitTimeout
from mycloud.common import clock, concurrency

T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.1, 1.0, 1.5


def poll(
    look: Callable[[], T | None],
    what: str,
    *,
    timeout: float = defaults.WAIT_TIMEOUT,
    sleep: Callable[[float], None] = concurrency.sleep,
) -> T:
    """Call ``look`` until it gives something, at once and then after growing pauses.

    :param what: completes the sentence "Waited for ..."
    :param timeout: seconds
    :raises WaitTimeout: if it gave nothing in time
    """
    deadline = clock.monotonic() + timeout
    pause = _FIRST_PAUSE
    while True:
        found = look()
        if found is not None:
            return found
        left = deadline - clock.monotonic()
        if left <= 0:
            raise WaitTimeout(
                f"Waited {timeout:g} s for {what}, and it has not happened yet; it may still"
            )
        sleep(min(pause, left))
        pause = min(_LONGEST_PAUSE, pause * _GROWTH)
