"""Requests and answers of HTTP/1.1."""

from __future__ import annotations

import dataclasses
import http
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from mycloud.agent.port.stream import Peer, Stream, TooLong

_MAX_LINE = 8192
_MAX_HEADERS = 64
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Refused(Exception):
    """A request that can't be understood, or that is not for us.

    :ivar fatal: where the next request would begin can't be told
    """

    def __init__(self, status: int, message: str, *, fatal: bool = False, **headers: str):
        super().__init__(message)
        self.status = status
        self.fatal = fatal
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclasses.dataclass
class Request:
    """:ivar path: without the query, unquoted
    :ivar headers: by lower-case names
    :ivar length: bytes of the body
    :ivar unread: those of them that have not been read yet
    """

    method: str
    path: str
    headers: dict[str, str]
    length: int
    keep_alive: bool
    stream: Stream
    unread: int = 0
    asked_to_go_on: bool = False

    @property
    def peer(self) -> Peer:
        return self.stream.peer

    def body(self, limit: int) -> bytes:
        """All of the body.

        :raises Refused: it is longer than that
        """
        if self.length > limit:
            raise Refused(413, f"the body has at most {limit} bytes", fatal=True)
        return b"".join(self.chunks())

    def chunks(self, size: int = 1 << 18) -> Iterator[bytes]:
        """The body, piece by piece.

        :raises ConnectionResetError: it ends before its length
        """
        if self.asked_to_go_on and self.unread:
            self.stream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.asked_to_go_on = False
        while self.unread:
            data = self.stream.recv(min(size, self.unread))
            if not data:
                raise ConnectionResetError("the body of a request was cut")
            self.unread -= len(data)
            yield data


@dataclasses.dataclass
class Reply:
    """An answer. ``pieces`` are sent after the head, ``length`` bytes in all."""

    status: int = 200
    content: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    pieces: Iterator[bytes] | None = None
    length: int | None = None

    def head(self, *, keep_alive: bool) -> bytes:
        """The status line and the headers."""
        phrase = http.HTTPStatus(self.status).phrase
        length = len(self.content) if self.length is None else self.length
        fields = {"Content-Length": str(length)} if self.status != 204 else {}
        if length:
            fields["Content-Type"] = self.content_type
        fields["Connection"] = "keep-alive" if keep_alive else "close"
        fields |= self.headers
        lines = [f"HTTP/1.1 {self.status} {phrase}", *(f"{k}: {v}" for k, v in fields.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def as_json(value: Any, status: int = 200) -> Reply:
    """An answer in JSON."""
    return Reply(status, json.dumps(value).encode() + b"\n")


def read(stream: Stream) -> Request:
    """The next request, its body still to be read.

    :raises Refused: it is none
    """
    line = _line(stream)
    words = line.split(" ")
    if len(words) != 3 or not _TOKEN.fullmatch(words[0]) or not words[1]:
        raise Refused(400, "this is no request of HTTP", fatal=True)
    method, target, version = words
    if version not in ("HTTP/1.0", "HTTP/1.1"):
        raise Refused(505, "HTTP/1.1 is spoken here", fatal=True)
    if not target.startswith("/"):
        raise Refused(400, "this is no proxy: ask for a path", fatal=True)
    headers = _headers(stream)
    if "transfer-encoding" in headers:
        raise Refused(411, "tell the length of the body, by Content-Length", fatal=True)
    length = _length(headers.get("content-length", "0"))
    connection = headers.get("connection", "").lower()
    keep_alive = connection != "close" and (version == "HTTP/1.1" or connection == "keep-alive")
    return Request(
        method, unquote(target.partition("?")[0]), headers, length, keep_alive, stream,
        unread=length, asked_to_go_on=headers.get("expect", "").lower() == "100-continue",
    )


def _headers(stream: Stream) -> dict[str, str]:
    found: dict[str, str] = {}
    for _ in range(_MAX_HEADERS + 1):
        line = _line(stream)
        if not line:
            return found
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name):
            raise Refused(400, "a header is no header", fatal=True)
        key = name.lower()
        if key in found and key in ("content-length", "transfer-encoding", "authorization"):
            raise Refused(400, f"the header {name} comes twice", fatal=True)
        found[key] = value.strip()
    raise Refused(431, f"more than {_MAX_HEADERS} headers", fatal=True)


def _line(stream: Stream) -> str:
    try:
        line = stream.readline(_MAX_LINE)
    except TooLong:
        raise Refused(431, f"a line has at most {_MAX_LINE} bytes", fatal=True) from None
    if not line.endswith(b"\n"):
        raise ConnectionResetError("a request was cut")
    return line.decode("latin-1").rstrip("\r\n")


def _length(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused(400, "Content-Length is no number", fatal=True)
    return int(text)
