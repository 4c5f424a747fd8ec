"""What a protocol on the agent's port is made of: it knows its first bytes and serves a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mycloud.agent.port.stream import Stream


class Detector(Protocol):
    """One protocol.

    :cvar NAME: for logs and statistics
    :cvar REQUIRED_SIZE: how many of the first bytes ``detect`` must see
    """

    NAME: str
    REQUIRED_SIZE: int

    def detect(self, data: bytes) -> bool:
        """Whether a connection that begins so, with REQUIRED_SIZE bytes, is of this protocol."""

    def handle_socket(self, sock: Stream, addr: str) -> None:
        """Serve a connection to its end, in a thread of its own. Nothing has been read from it.

        Its deadline is this protocol's to set (``sock.limit``). OSError means that the connection
        has broken or its time is over; it is closed afterwards in any case.
        """


def detect(detectors: Sequence[Detector], stream: Stream) -> Detector | None:
    """The protocol of a connection that has just begun; None: of none of them.

    No more bytes are waited for than are needed: a detector that needs few may decide while others
    would want more.
    """
    sizes = sorted({each.REQUIRED_SIZE for each in detectors})
    for size in sizes:
        data = stream.peek(size)
        if len(data) < size:
            return None
        for each in detectors:
            if size == each.REQUIRED_SIZE and each.detect(data):
                return each
    return None
