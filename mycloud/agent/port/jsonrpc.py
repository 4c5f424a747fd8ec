"""JSON-RPC straight on a connection: one request or batch a line, one answer a line.

A connection stays for as long as its client likes; requests are answered in their order. Where a
notification leaves nothing to answer, no line is sent.
"""

from __future__ import annotations

from mycloud.agent.port import rpc
from mycloud.agent.port.settings import Patience
from mycloud.agent.port.stream import Stream, TooLong


class JsonRpc:
    """The detector: a request begins with { and a batch with [."""

    NAME = "json-rpc"
    REQUIRED_SIZE = 1

    def __init__(self, dispatcher: rpc.Dispatcher, patience: Patience):
        self._dispatcher = dispatcher
        self._patience = patience

    def detect(self, data: bytes) -> bool:
        return data[:1] in (b"{", b"[")

    def handle_socket(self, sock: Stream, addr: str) -> None:
        """Answer until the client goes, or is silent for too long."""
        patience = self._patience
        while True:
            sock.limit(patience.idle)
            if not sock.ready():
                return
            sock.limit(patience.request)
            try:
                line = sock.readline(patience.max_bytes)
            except TooLong:
                problem = f"a request has at most {patience.max_bytes} bytes"
                sock.sendall(rpc.refuse(rpc.INVALID_REQUEST, problem) + b"\n")
                sock.linger()
                return
            if not line.strip():
                continue
            answer = self._dispatcher.answer(line, sock.peer)
            if answer is not None:
                sock.limit(patience.request)
                sock.sendall(answer + b"\n")
