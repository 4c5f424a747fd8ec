"""The API as a service: a listener for each port, with the APIs that are enabled on it."""

import importlib
import logging
import os
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import webob
from oslo_config import cfg

from mycloud.api import app as api_app
from mycloud.common import context, exceptions, policy, rpc, wsgi_server
from mycloud.common.launcher import Launchable
from mycloud.conf.api import APIS

LOG = logging.getLogger(__name__)


class ApiManager(Protocol):
    """What [api]/managers may name: it is told before its API listens."""

    def init_host(self) -> None: ...


class ApiService(Launchable):
    """The enabled APIs. The sockets are bound at once, so that workers share them."""

    def __init__(self) -> None:
        """:raises ConfigError: an option names what there is not, or a port can't be had"""
        conf = cfg.CONF.api
        by_port = enabled(conf.enabled_apis, conf.port)
        self._managers = [_load(name, path) for name, path in sorted(conf.managers.items())]
        settings = _settings(conf)
        app = api_app.load()
        self.servers: dict[tuple[str, ...], wsgi_server.Server] = {}
        for names, port in by_port.items():
            served = app if set(names) == set(APIS) else _Only(app, names)
            sock = wsgi_server.listen(conf.listen, port)
            self.servers[names] = wsgi_server.Server(served, sock, settings)

    def start(self) -> None:
        for manager in self._managers:
            with context.role(context.API):
                manager.init_host()
        for names, server in self.servers.items():
            server.start()
            LOG.info("Serving %s at %s", ", ".join(names), server.url)

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop(cfg.CONF.graceful_shutdown_timeout_seconds)

    def reset(self) -> None:
        policy.reset()
        rpc.forget_oldest()

    @property
    def url(self) -> str:
        """The first listener's URL."""
        return next(iter(self.servers.values())).url


def workers() -> int:
    """How many processes mycloud-api has."""
    return int(cfg.CONF.api.workers or os.cpu_count() or 1)


def enabled(names: Iterable[str], shared_port: int) -> dict[tuple[str, ...], int]:
    """The APIs of each listener, with its port; those that name no port share one.

    :raises ConfigError: an API that there is not, one twice, or none at all
    """
    option = "[api]/enabled_apis"
    shared: list[str] = []
    found: dict[tuple[str, ...], int] = {}
    seen: set[str] = set()
    for entry in names:
        name, equals, port = (part.strip() for part in entry.partition("="))
        if name not in APIS:
            raise exceptions.ConfigError(
                option=option, reason=f"there is no API {name!r}; known: {', '.join(APIS)}"
            )
        if name in seen:
            raise exceptions.ConfigError(option=option, reason=f"{name} is named twice")
        seen.add(name)
        if not equals:
            shared.append(name)
        elif port.isdigit() and int(port) <= 65535:
            found[(name,)] = int(port)
        else:
            raise exceptions.ConfigError(option=option, reason=f"{port!r} is no port")
    if not seen:
        raise exceptions.ConfigError(option=option, reason="no API is enabled")
    return ({tuple(shared): shared_port} if shared else {}) | found


def _settings(conf: Any) -> wsgi_server.ServerSettings:
    tls = None
    if conf.tls_cert_file:
        tls = wsgi_server.tls_context(
            conf.tls_cert_file, conf.tls_key_file, conf.tls_client_ca_file
        )
    return wsgi_server.ServerSettings(
        pool_size=conf.pool_size,
        idle_timeout=conf.idle_timeout,
        keepalive=conf.keepalive,
        url_length_limit=conf.url_length_limit,
        access_log_format=conf.access_log_format if conf.access_log else None,
        tls=tls,
    )


def _load(name: str, path: str) -> ApiManager:
    option = "[api]/managers"
    if name not in APIS:
        raise exceptions.ConfigError(option=option, reason=f"there is no API {name!r}")
    module, _, attribute = path.partition(":")
    try:
        made: ApiManager = getattr(importlib.import_module(module), attribute)()
    except (ImportError, AttributeError, ValueError) as error:
        raise exceptions.ConfigError(option=option, reason=f"{path}: {error}") from error
    return made


class _Only:
    """Hides the APIs that are not enabled at this port."""

    def __init__(self, app: api_app.WsgiApp, names: Iterable[str]):
        self._app = app
        self._hidden = set(APIS) - set(names)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        first = environ.get("PATH_INFO", "").lstrip("/").partition("/")[0]
        if first in self._hidden:
            answer = webob.Response(status=404, json_body={"error": {"message": "Not Found"}})
            found: Iterable[bytes] = answer(environ, start_response)
            return found
        return self._app(environ, start_response)
