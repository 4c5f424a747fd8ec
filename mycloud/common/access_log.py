"""A log line for each request that was answered, whatever the server."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mycloud.common import clock

LOG = logging.getLogger("mycloud.access")


class AccessLog:
    """WSGI middleware; logs when the last byte has gone out.

    The format may name client, method, path, query, protocol, status, length (bytes sent),
    seconds, user_agent and request_id.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], line: str):
        self._app, self._line = app, line

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        started = clock.monotonic()
        # a composite application changes these on the way down
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        told = ["-"]

        def start(status: str, *rest: Any) -> Any:
            told[0] = status.partition(" ")[0]
            return start_response(status, *rest)

        return _Answer(
            self._app(environ, start),
            lambda length: LOG.info(
                self._line,
                {
                    "client": environ.get("REMOTE_ADDR", "-"),
                    "method": environ.get("REQUEST_METHOD", "-"),
                    "path": path,
                    "query": environ.get("QUERY_STRING", ""),
                    "protocol": environ.get("SERVER_PROTOCOL", "-"),
                    "status": told[0],
                    "length": length,
                    "seconds": clock.monotonic() - started,
                    "user_agent": environ.get("HTTP_USER_AGENT", "-"),
                    "request_id": environ.get("openstack.request_id", "-"),
                },
            ),
        )


class _Answer:
    """The body, counted on its way."""

    def __init__(self, body: Iterable[bytes], end: Callable[[int], None]):
        self._body = body
        self._end = end
        self._length = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._body:
            self._length += len(chunk)
            yield chunk

    def close(self) -> None:
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._end(self._length)
