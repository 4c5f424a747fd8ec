"""The doorbell: the one message that starts work, for every topic.

History: 1.0 run_operation
"""

import logging
from typing import Any

import oslo_messaging as messaging

from mycloud.common import exceptions, rpc

LOG = logging.getLogger(__name__)

NAMESPACE = "journal"
VERSION = "1.0"


class DoorbellAPI(rpc.Client):
    """Tells a service that an operation waits for it."""

    version = VERSION
    namespace = NAMESPACE

    def __init__(self, topic: str):
        self.topic = topic
        super().__init__()

    def run_operation(self, context: Any, operation_id: str, *, host: str | None) -> None:
        """:raises BusUnavailable: :raises ServiceUnavailable: when nobody heard it"""
        self.cast(context, "run_operation", host=host, version="1.0", operation_id=operation_id)


_bells: dict[str, DoorbellAPI] = {}


def ring(context: Any, bell: dict[str, Any]) -> bool:
    """Ring for an operation (id, topic, host); False if nobody heard.

    That is no error: the journal has the operation, and the sweeper rings again.
    """
    topic = bell["topic"]
    if topic not in _bells:
        _bells[topic] = DoorbellAPI(topic)
    try:
        _bells[topic].run_operation(context, bell["id"], host=bell["host"])
    except (exceptions.BusUnavailable, exceptions.ServiceUnavailable) as error:
        LOG.warning("Nobody heard the bell of operation %s yet: %s", bell["id"], error)
        return False
    return True


def reset() -> None:
    """Forget the clients of a closed transport."""
    _bells.clear()


class DoorbellEndpoint:
    """What a service that runs operations adds to its RPC server."""

    target = messaging.Target(namespace=NAMESPACE, version=VERSION)

    def __init__(self, run: Any):
        self._run = run

    def run_operation(self, context: Any, operation_id: str) -> None:
        self._run(context, operation_id)
