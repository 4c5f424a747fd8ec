"""What every service answers beside its own.

History: 1.0 get_log_levels, set_log_levels
"""

from typing import Any

import oslo_messaging as messaging

from mycloud.common import log_levels, rpc

NAMESPACE = "process"
VERSION = "1.0"
_SECONDS = 10


class ProcessAPI(rpc.Client):
    """Asks the process of a service about itself."""

    version = VERSION
    namespace = NAMESPACE

    def __init__(self, topic: str):
        self.topic = topic
        super().__init__()

    def get_log_levels(self, context: Any, host: str, prefix: str) -> dict[str, str]:
        """Logger -> level; see log_levels.get.

        :raises ServiceUnavailable: when the service does not answer
        """
        found: dict[str, str] = self.call(
            context, "get_log_levels", host=host, version="1.0", prefix=prefix, timeout=_SECONDS
        )
        return found

    def set_log_levels(self, context: Any, host: str, prefix: str, level: str) -> None:
        """See log_levels.put.

        :raises ServiceUnavailable: when the service does not answer
        """
        self.call(
            context, "set_log_levels", host=host, version="1.0", prefix=prefix, level=level,
            timeout=_SECONDS,
        )


class ProcessEndpoint:
    """What a service adds to its RPC server."""

    target = messaging.Target(namespace=NAMESPACE, version=VERSION)

    def get_log_levels(self, context: Any, prefix: str) -> dict[str, str]:
        return log_levels.get(prefix)

    def set_log_levels(self, context: Any, prefix: str, level: str) -> None:
        log_levels.put(prefix, level)
