"""The message bus: one transport a process, clients and servers with the right defaults.

A message is only a doorbell (see docs/adr). ``cast`` with ``at_least_once`` fails at once when
nobody listens; ``call`` is monitored, so that a server that was killed is noticed in seconds and
not after the whole timeout; ``retry`` bounds how long a dead broker can hold a caller.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import oslo_messaging as messaging
from oslo_config import cfg
from oslo_messaging.rpc import dispatcher as rpc_dispatcher
from oslo_messaging.rpc import server as rpc_server

from mycloud.common import concurrency, exceptions, memory_bus
from mycloud.common import context as mycontext
from mycloud.conf import messaging as conf_messaging

LOG = logging.getLogger(__name__)

#: Seconds: a call without an answer, between signs of life of its server, for one publication.
CALL_TIMEOUT = 60
MONITOR_TIMEOUT = 4
RETRIES = 1

EXMODS = list(exceptions.MODULES)

_transport: messaging.Transport | None = None
_serializer: messaging.Serializer | None = None
_oldest: Callable[[str], int] | None = None
#: By program, the version of its oldest service; asked for once, until the options are read anew.
_oldest_known: dict[str, int] = {}
#: Messages published since the last ``init``, by "topic.method"; answers are not counted.
published: dict[str, int] = {}
#: Makes the queue that answers come to.
_answers: concurrency.Task[Any] | None = None


def init(
    serializer: messaging.Serializer,
    url: str | None = None,
    *,
    oldest: Callable[[str], int] | None = None,
    name: str | None = None,
) -> None:
    """Open the transport of that URL, else the one that ``cfg.CONF`` names.

    Nothing connects before the first message. ``oldest``: tells the version of the oldest
    service of a program (0: there is none), so that clients send nothing that it would not
    understand. ``name``: of this process, unlike that of any other on the machine. With
    use_queue_manager, oslo.messaging names the queue for answers after the machine and the
    program; two compute services of one machine would take each other's answers.
    """
    global _transport, _serializer, _oldest
    if name:
        # it is read when the transport is made, so the option has to be there before
        conf_messaging.name_process(name)
    memory_bus.install()
    _transport = messaging.get_rpc_transport(cfg.CONF, url, allowed_remote_exmods=EXMODS)
    _serializer = serializer
    _oldest = oldest
    published.clear()


def cleanup() -> None:
    """Close the transport."""
    global _transport, _serializer, _oldest, _answers
    if _transport is not None:
        _transport.cleanup()
    _transport = _serializer = _oldest = _answers = None
    forget_oldest()


def forget_oldest() -> None:
    """Ask again which services are the oldest: after an upgrade, on SIGHUP."""
    _oldest_known.clear()


def transport() -> messaging.Transport:
    if _transport is None:
        raise RuntimeError("rpc.init() has not been called in this process")
    return _transport


def _open_queue_for_answers() -> None:
    """Have the queue that answers come to, before the first call.

    oslo.messaging makes it inside of the first call, without any bound: while the broker is dead
    that call would hang, and with it all others.

    :raises BusUnavailable: when it can't be made in time; it goes on being tried
    """
    global _answers
    if _answers is None or (_answers.done and _answers.error is not None):
        _answers = concurrency.spawn(transport()._driver._get_reply_q)
    try:
        _answers.wait(MONITOR_TIMEOUT)
    except (TimeoutError, messaging.MessagingException) as error:
        raise exceptions.BusUnavailable() from error


#: What an RPC server raises that does not know the version or the method.
_NOT_UNDERSTOOD = frozenset({"UnsupportedVersion", "NoSuchMethod"})


class Client:
    """The base of every ``rpcapi``: a topic, a version, ``cast`` and ``call``.

    Errors of the bus become BusUnavailable (the broker) or ServiceUnavailable (nobody answers).
    """

    topic: str
    version: str
    namespace: str | None = None
    #: the program that answers, and by the version of a service the highest RPC version that it
    #: understands; empty: all that there are understand ``version``
    binary: ClassVar[str] = ""
    understood: ClassVar[Mapping[int, str]] = {}

    def __init__(self) -> None:
        target = messaging.Target(
            topic=self.topic, version=self.version, namespace=self.namespace
        )
        self._client = messaging.get_rpc_client(
            transport(), target, serializer=_serializer, version_cap=self.version
        )
        self._doorbell = messaging.TransportOptions(at_least_once=True)

    @property
    def cap(self) -> str:
        """The highest version that every service on the other side understands."""
        if not self.understood or _oldest is None:
            return self.version
        if self.binary not in _oldest_known:
            _oldest_known[self.binary] = _oldest(self.binary)
        oldest = _oldest_known[self.binary]
        known = [number for number in self.understood if number <= oldest]
        return self.understood[max(known)] if known else self.version

    def can_send(self, version: str) -> bool:
        """Whether every service on the other side understands that version."""
        mine, wanted = (tuple(map(int, text.split("."))) for text in (self.cap, version))
        return mine[0] == wanted[0] and mine[1] >= wanted[1]

    def cast(
        self, context: Any, method: str, *, host: str | None = None, version: str, **args: Any
    ) -> None:
        """Send without waiting for an answer.

        :raises BusUnavailable: within 5 s when the broker is gone
        :raises ServiceUnavailable: when no such service listens
        :raises PeerTooOld: when a service on the other side would not understand it
        """
        prepared = self._client.prepare(
            server=host,
            version=version,
            version_cap=self.cap,
            retry=RETRIES,
            transport_options=self._doorbell,
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
        :raises PeerTooOld: when a service on the other side would not understand it
        :raises MycloudError: what the method raised
        """
        _open_queue_for_answers()
        prepared = self._client.prepare(
            server=host,
            version=version,
            version_cap=self.cap,
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
        except exceptions.MycloudError as error:
            # oslo.messaging makes a class of its own whose text has the other side's trace in
            # it: that belongs into logs, so it stays as the cause
            raise _own_class(error)(error.message, **error.kwargs) from error
        except messaging.MessagingTimeout as error:
            raise exceptions.ServiceUnavailable(service=self.topic) from error
        except messaging.MessageUndeliverable as error:
            raise exceptions.ServiceUnavailable(service=self.topic) from error
        except messaging.MessageDeliveryFailure as error:
            raise exceptions.BusUnavailable() from error
        except messaging.RPCVersionCapError as error:
            raise exceptions.PeerTooOld(service=self.topic, method=method) from error
        except messaging.RemoteError as error:
            if error.exc_type in _NOT_UNDERSTOOD:
                raise exceptions.PeerTooOld(service=self.topic, method=method) from error
            # an error of a class that may not cross the bus: a bug over there
            LOG.error("%s raised %s: %s\n%s", key, error.exc_type, error.value, error.traceback)
            raise exceptions.MycloudError(
                "An internal error happened while the request was handled."
            ) from error


def _own_class(error: exceptions.MycloudError) -> type[exceptions.MycloudError]:
    return next(cls for cls in type(error).__mro__ if cls.__module__ in EXMODS)


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
