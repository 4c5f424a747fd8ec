"""kombu's in-memory transport, woken by messages instead of looking for them.

oslo.messaging makes kombu's own one look at its queues all the time, so that an idle embedded
cloud keeps a core busy. Here a listener sleeps until something is put into one of its queues.
"""

import queue
import weakref
from typing import Any

from kombu import transport as kombu_transport
from kombu.transport import memory

from mycloud.common import clock, concurrency

#: Seconds: a listener looks up at least that often, to see whether it is to stop. (oslo.messaging
#: would have it look every 50 ms.)
_LONGEST_NAP = 0.25

_transports: "weakref.WeakSet[Transport]" = weakref.WeakSet()


class Channel(memory.Channel):
    """Tells the listeners of a queue that there is something in it."""

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        super()._put(queue, message, **kwargs)
        _wake(queue)

    def _put_fanout(self, exchange: str, message: Any, *args: Any, **kwargs: Any) -> None:
        super()._put_fanout(exchange, message, *args, **kwargs)
        for transport in list(_transports):
            transport.woken.set()


class Transport(memory.Transport):
    """A connection to the bus in this process's memory."""

    Channel = Channel

    def __init__(self, client: Any, **kwargs: Any):
        super().__init__(client, **kwargs)
        self.woken = concurrency.Event()
        _transports.add(self)

    def drain_events(  # type: ignore[override]
        self, connection: Any, timeout: float | None = None
    ) -> None:
        """Deliver one message.

        :raises TimeoutError: when there is none in time
        """
        until = clock.monotonic() + max(timeout or 0, _LONGEST_NAP)
        while True:
            # before looking: what comes after the look wakes it again
            self.woken.clear()
            try:
                assert self.cycle is not None
                self.cycle.get(self._deliver, timeout=timeout)
                return
            except queue.Empty:
                if not self.woken.wait(max(0, until - clock.monotonic())):
                    raise TimeoutError() from None

    def listens_to(self, name: str) -> bool:
        return name in (self._callbacks or {})


def _wake(name: str) -> None:
    for transport in list(_transports):
        if transport.listens_to(name):
            transport.woken.set()


def install() -> None:
    """Make ``kombu+memory://`` mean this transport."""
    kombu_transport.TRANSPORT_ALIASES["memory"] = f"{__name__}:Transport"
