"""HTTP on the agent's port: which request is answered by what."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from mycloud.agent.port.http import message
from mycloud.agent.port.http.message import Refused, Reply, Request
from mycloud.agent.port.settings import Patience
from mycloud.agent.port.stream import Stream
from mycloud.common import exceptions

LOG = logging.getLogger(__name__)

_METHODS = (b"GET ", b"HEAD", b"POST", b"PUT ", b"DELE", b"PATC", b"OPTI", b"TRAC", b"CONN")

#: Answers a request; raises Refused or MycloudError.
Handler = Callable[[Request], Reply]
#: By path, or by a path's beginning where that ends in /; then by method.
Pages = Mapping[str, Mapping[str, Handler]]


class Http:
    """The detector: a request begins with a method."""

    NAME = "http"
    REQUIRED_SIZE = 4

    def __init__(self, pages: Pages, patience: Patience):
        self._pages = pages
        self._patience = patience

    def detect(self, data: bytes) -> bool:
        return data[:4] in _METHODS

    def handle_socket(self, sock: Stream, addr: str) -> None:
        """Answer until the client goes, or is silent for too long."""
        again = True
        while again:
            sock.limit(self._patience.idle)
            if not sock.ready():
                return
            sock.limit(self._patience.request)
            try:
                request = message.read(sock)
            except Refused as error:
                _send(sock, _refusal(error), keep_alive=False)
                sock.linger()
                return
            again = self._answer(request)
            if request.unread:
                sock.linger()

    def _answer(self, request: Request) -> bool:
        """Whether another request may follow."""
        fatal = False
        try:
            reply = self._handler(request)(request)
        except Refused as error:
            reply, fatal = _refusal(error), error.fatal
        except exceptions.MycloudError as error:
            reply = _told(error.status, error.message, error.code)
        # what was not read would be taken for the next request
        keep_alive = request.keep_alive and not fatal and not request.unread
        LOG.debug("%s %s: %d", request.method, request.path, reply.status)
        if request.method == "HEAD":
            request.stream.sendall(reply.head(keep_alive=keep_alive))
        else:
            _send(request.stream, reply, keep_alive=keep_alive)
        return keep_alive

    def _handler(self, request: Request) -> Handler:
        methods = self._pages.get(request.path) or next(
            (
                found
                for start, found in self._pages.items()
                if start.endswith("/") and request.path.startswith(start)
            ),
            None,
        )
        if methods is None:
            raise Refused(404, "there is no such page; there are " + ", ".join(self._pages))
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            allowed = ", ".join(methods)
            raise Refused(405, f"{request.method} is not for this page", Allow=allowed)
        return methods[method]


def _send(stream: Stream, reply: Reply, *, keep_alive: bool) -> None:
    stream.sendall(reply.head(keep_alive=keep_alive) + reply.content)
    for piece in reply.pieces or ():
        stream.sendall(piece)


def _refusal(error: Refused) -> Reply:
    reply = _told(error.status, str(error), "http")
    reply.headers |= error.headers
    return reply


def _told(status: int, text: str, code: str) -> Reply:
    return message.as_json({"error": {"code": code, "message": text}}, status)
