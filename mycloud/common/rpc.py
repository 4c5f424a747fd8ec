"""The message bus: one transport a process, clients and servers with the right defaults.

A message is only a doorbell (see docs/adr). ``cast`` with ``at_least_once`` fails at once when
nobody listens; ``call`` is monitored, so that a server that was killed is noticed in seconds and
not after the whole timeout; ``retry`` bounds how long a dead broker can hold a caller.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import oslo_messaging as messaging
from oslo_config import cfg
from oslo_messaging.rpc import dispatcher as rpc_dispatcher
from oslo_messaging.rpc import server as rpc_server

from mycloud.common import context as mycontext
from mycloud.common import exceptions

LOG = logging.getLogger(__name__)

#: Seconds: a call without an answer, between signs of life of its server, for one publication.
CALL_TIMEOUT = 60
MONITOR_TIMEOUT = 4
RETRIES = 1

EXMODS = [exceptions.__name__]

_transport: messaging.Transport | None = None
_serializer: messaging.Serializer | None = None
#: Messages that this process published, by "topic.method"; answers are not counted.
published: dict[str, int] = {}


def init(serializer: messaging.Serializer, url: str | None = None) -> None:
    """Open the transport of that URL, else the one that ``cfg.CONF`` names.

    Nothing connects before the first message.
    """
    global _transport, _serializer
    _transport = messaging.get_rpc_transport(cfg.CONF, url, allowed_remote_exmods=EXMODS)
    _serializer = serializer


def cleanup() -> None:
    """Close the transport."""
    global _transport, _serializer
    if _transport is not None:
        _transport.cleanup()
    _transport = _serializer = None


def transport() -> messaging.Transport:
    if _transport is None:
        raise RuntimeError("rpc.init() has not been called in this process")
    return _transport


class Client:
    """The base of every ``rpcapi``: a topic, a version, ``cast`` and ``call``.

    Errors of the bus become BusUnavailable (the broker) or ServiceUnavailable (nobody answers).
    """

    topic: str
    version: str
    namespace: str | None = None

    def __init__(self) -> None:
        target = messaging.Target(
            topic=self.topic, version=self.version, namespace=self.namespace
        )
        self._client = messaging.get_rpc_client(
            transport(), target, serializer=_serializer, version_cap=self.version
        )
        self._doorbell = messaging.TransportOptions(at_least_once=True)

    def cast(
        self, context: Any, method: str, *, host: str | None = None, version: str, **args: Any
    ) -> None:
        """Send without waiting for an answer.

        :raises BusUnavailable: within 5 s when the broker is gone
        :raises ServiceUnavailable: when no such service listens
        """
        prepared = self._client.prepare(
            server=host, version=version, retry=RETRIES, transport_options=self._doorbell
        )
        self._send(prepared.cast, context, method, args)

    def call(
        self,
        context: Any,
        method: str,
        *,
        host: str | None = None,
        version: str,
        timeout: float = CALL_TIMEOUT,
        **args: Any,
    ) -> Any:
        """Send and wait for the answer.

        :raises BusUnavailable: within 5 s when the broker is gone
        :raises ServiceUnavailable: when nobody answers, or the server dies meanwhile
        :raises MycloudError: what the method raised
        """
        prepared = self._client.prepare(
            server=host,
            version=version,
            retry=RETRIES,
            timeout=timeout,
            call_monitor_timeout=min(MONITOR_TIMEOUT, timeout),
        )
        return self._send(prepared.call, context, method, args)

    def _send(
        self, send: Callable[..., Any], context: Any, method: str, args: dict[str, Any]
    ) -> Any:
        key = f"{self.topic}.{method}"
        published[key] = published.get(key, 0) + 1
        try:
            return send(context, method, **args)
        except messaging.MessagingTimeout as error:
            raise exceptions.ServiceUnavailable(service=self.topic) from error
        except messaging.MessageUndeliverable as error:
            raise exceptions.ServiceUnavailable(service=self.topic) from error
        except messaging.MessageDeliveryFailure as error:
            raise exceptions.BusUnavailable() from error
        except messaging.RemoteError as error:
            # an error of a class that may not cross the bus: a bug over there
            LOG.error("%s raised %s: %s\n%s", key, error.exc_type, error.value, error.traceback)
            raise exceptions.MycloudError(
                "An internal error happened while the request was handled."
            ) from error


class _Dispatcher(rpc_dispatcher.RPCDispatcher):
    """Runs every method in the service's role, and lets errors of the domain travel.

    Any other error is logged by oslo.messaging with its trace: one of the four doors.
    """

    def __init__(self, role: str, endpoints: Sequence[Any], serializer: Any):
        super().__init__(list(endpoints), serializer, None)
        self._role = role

    def _do_dispatch(self, endpoint: Any, method: str, ctxt: Any, args: Any) -> Any:
        with mycontext.role(self._role):
            try:
                return super()._do_dispatch(endpoint, method, ctxt, args)
            except exceptions.MycloudError as error:
                raise rpc_dispatcher.ExpectedException() from error


def server(role: str, target: messaging.Target, endpoints: Sequence[Any]) -> Any:
    """An RPC server whose methods run in ``role``; call ``start()`` on it.

    oslo.messaging picks the executor that fits the process by itself.
    """
    return rpc_server.RPCServer(
        transport(), target, _Dispatcher(role, endpoints, _serializer), None
    )
