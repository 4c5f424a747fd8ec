"""Log levels of services: of this process at once, of others by asking them."""

from mycloud.common import log_levels
from mycloud.common.context import RequestContext
from mycloud.common.rpcapi import ProcessAPI

#: binary -> topic; what is not among them is this process
_TOPICS = {"mycloud-volume": "volume", "mycloud-scheduler": "scheduler"}

#: A program and the host of its service.
Service = tuple[str, str]


def get(context: RequestContext, service: Service, prefix: str) -> dict[str, str]:
    """Logger -> level.

    :raises ServiceUnavailable: when it does not answer
    """
    binary, host = service
    if binary not in _TOPICS:
        return log_levels.get(prefix)
    return ProcessAPI(_TOPICS[binary]).get_log_levels(context, host, prefix)


def put(context: RequestContext, service: Service, prefix: str, level: str) -> None:
    """:raises BadField: see log_levels :raises ServiceUnavailable: when it does not answer"""
    binary, host = service
    if binary not in _TOPICS:
        log_levels.put(prefix, level)
    else:
        ProcessAPI(_TOPICS[binary]).set_log_levels(context, host, prefix, level)
