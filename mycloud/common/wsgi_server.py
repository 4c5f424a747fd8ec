"""An HTTP(S) server for a WSGI application, in green or native threads.

eventlet's own server under eventlet, waitress under threading. Both serve a duplicate of the
listening socket, so that a server can be stopped and started again, and forked workers share it.
"""

import dataclasses
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Any

import waitress.channel
import waitress.parser
import waitress.server

from mycloud.common import clock, concurrency, exceptions
from mycloud.common.access_log import AccessLog

LOG = logging.getLogger(__name__)

BACKLOG = 1024
#: bytes: no header of ours, tokens included, comes near it
_MAX_HEADERS = 65536
#: bytes: images are far larger than waitress's own limit; their API has limits of its own
_MAX_BODY = 1 << 50

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclasses.dataclass(frozen=True)
class ServerSettings:
    """How to serve.

    :ivar pool_size: connections served at a time (threads: a quarter as many)
    :ivar idle_timeout: seconds after which a silent connection is closed
    :ivar url_length_limit: bytes of the request line
    :ivar access_log_format: None logs no requests
    :ivar tls: the context to serve HTTPS with
    """

    pool_size: int = 100
    idle_timeout: int = 900
    keepalive: bool = True
    url_length_limit: int = 8192
    access_log_format: str | None = None
    tls: ssl.SSLContext | None = None


def tls_context(
    cert_file: str, key_file: str | None, client_ca_file: str | None = None
) -> ssl.SSLContext:
    """A server's TLS context; with ``client_ca_file`` clients must show a certificate.

    :raises ConfigError: a file is missing or is not what it should be
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert_file, key_file)
        if client_ca_file:
            context.load_verify_locations(client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise exceptions.ConfigError(option="[api]/tls_cert_file", reason=str(error)) from error
    return context


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    :raises ConfigError: the address can't be had
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    try:
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise exceptions.ConfigError(
            option="[api]/port", reason=f"cannot listen on {host} port {port}: {error.strerror}"
        ) from error
    return sock


class Server:
    """Serves one application on one socket. ``start`` and ``stop`` may be called in turns."""

    def __init__(self, app: WsgiApp, sock: socket.socket, settings: ServerSettings):
        if settings.access_log_format is not None:
            app = AccessLog(app, settings.access_log_format)
        self._app = app
        self._sock = sock
        self._settings = settings
        self._stop: Callable[[float], None] | None = None
        self.host, self.port = sock.getsockname()[:2]

    @property
    def url(self) -> str:
        """Where it is reached, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._settings.tls else 'http'}://{host}:{self.port}"

    def start(self) -> None:
        """Serve; returns at once.

        :raises RuntimeError: when it serves already
        """
        if self._stop is not None:
            raise RuntimeError(f"{self.url} is served already")
        sock = self._sock.dup()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        serve = self._green if concurrency.is_eventlet() else self._threaded
        self._stop = serve(sock)

    def stop(self, patience: float = 30) -> None:
        """Accept no more, answer what has been asked (for so many seconds), close connections."""
        if self._stop is not None:
            stop, self._stop = self._stop, None
            stop(patience)

    def close(self) -> None:
        """Give the socket up, for good."""
        self.stop()
        self._sock.close()

    def _green(self, sock: socket.socket) -> Callable[[float], None]:
        settings = self._settings
        if settings.tls is not None:
            sock = settings.tls.wrap_socket(
                sock, server_side=True, do_handshake_on_connect=False
            )
        return concurrency.serve_green(
            sock,
            self._app,
            max_size=settings.pool_size,
            log=logging.getLogger("mycloud.eventlet_wsgi"),
            log_output=False,
            debug=False,
            keepalive=settings.keepalive,
            socket_timeout=settings.idle_timeout,
            url_length_limit=settings.url_length_limit,
        )

    def _threaded(self, sock: socket.socket) -> Callable[[float], None]:
        settings = self._settings
        sock.setblocking(False)
        # a table of its own: waitress's is shared by all servers of a process otherwise
        server = waitress.server.create_server(
            _LimitUrl(self._app, settings.url_length_limit),
            map={},
            sockets=[sock],
            threads=max(4, settings.pool_size // 4),
            channel_timeout=settings.idle_timeout,
            cleanup_interval=min(30, settings.idle_timeout),
            connection_limit=max(100, settings.pool_size * 4),
            max_request_header_size=_MAX_HEADERS,
            max_request_body_size=_MAX_BODY,
            log_socket_errors=False,
            expose_tracebacks=False,
            ident=None,
        )
        channel = _Channel if settings.tls is None else _tls_channel(settings.tls)
        server.channel_class = channel if settings.keepalive else _one_shot(channel)
        return _Loop(server).stop


class _LimitUrl:
    """waitress has no limit for the URL alone."""

    def __init__(self, app: WsgiApp, limit: int):
        self._app, self._limit = app, limit

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        # two spaces, HTTP/1.1 and the line's end belong to the line
        if len(environ["REQUEST_METHOD"]) + len(environ["REQUEST_URI"]) + 12 <= self._limit:
            return self._app(environ, start_response)
        start_response("414 Request URI Too Long", [("Content-Length", "0")])
        return []


class _Loop:
    """Runs a waitress server in threads until it is stopped."""

    def __init__(self, server: Any):
        self._server = server
        self._ending = False
        self._task = concurrency.spawn(self._run)

    def _run(self) -> None:
        server = self._server
        while not self._ending:
            server.asyncore.loop(timeout=1, map=server._map, use_poll=True, count=1)
        server.close()
        server.asyncore.close_all(server._map)

    def stop(self, patience: float) -> None:
        server = self._server
        server.del_channel()
        until = clock.monotonic() + patience
        while server.active_channels and clock.monotonic() < until:
            for channel in list(server.active_channels.values()):
                if not channel.requests and not channel.total_outbufs_len:
                    channel.will_close = True
            server.pull_trigger()
            concurrency.sleep(0.01)
        server.task_dispatcher.shutdown(timeout=1)
        self._ending = True
        server.pull_trigger()
        self._task.wait(5)


_Channel: Any = waitress.channel.HTTPChannel


def _one_shot(channel: Any) -> Any:
    """The class of connections that end after one request."""

    class Parser(waitress.parser.HTTPRequestParser):
        def parse_header(self, header_plus: bytes) -> None:
            super().parse_header(header_plus)
            self.headers["CONNECTION"] = "close"

    return type("OneShotChannel", (channel,), {"parser_class": Parser})


def _tls_channel(tls: ssl.SSLContext) -> Any:
    """The class of connections in TLS: waitress itself knows only plain ones."""

    class TlsChannel(_Channel):
        def __init__(self, server: Any, sock: socket.socket, *args: Any, **kwargs: Any):
            sock.setblocking(False)
            wrapped = tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            super().__init__(server, _TlsConnection(wrapped), *args, **kwargs)

        def handle_read(self) -> None:
            try:
                super().handle_read()
            except _Wait:
                pass  # only part of a record, or of the handshake, was there

    return TlsChannel


class _TlsConnection:
    """A TLS connection that never blocks, and that two threads may use at once."""

    def __init__(self, sock: ssl.SSLSocket):
        self._sock = sock
        self._lock = concurrency.Lock()

    def recv(self, size: int) -> bytes:
        with self._lock:
            try:
                data = self._sock.recv(size)
                while self._sock.pending():
                    # poll() doesn't tell of what OpenSSL has read already
                    data += self._sock.recv(self._sock.pending())
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise _Wait() from None
        return data

    def send(self, data: bytes) -> int:
        with self._lock:
            try:
                return self._sock.send(data)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise BlockingIOError(errno.EWOULDBLOCK, "not yet") from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Wait(Exception):
    """Nothing to read yet."""
