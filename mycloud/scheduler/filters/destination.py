"""Refuse hosts other than the one that was asked for, and other availability zones."""

from mycloud.scheduler.filters.base import Filter
from mycloud.scheduler.host_state import HostState, Request


class DestinationFilter(Filter):
    """The host and the node that an administrator named."""

    label = "requested host"
    effort = 50

    def refuses(self, host: HostState, request: Request) -> bool:
        return (request.host is not None and request.host != host.host) or (
            request.node is not None and request.node != host.node
        )

    def remedy(self, host: HostState, request: Request) -> str:
        wanted = ":".join(name for name in (request.host, request.node) if name is not None)
        return f"is not {wanted}: name another host, or none"


class ZoneFilter(Filter):
    """The availability zone that was asked for."""

    label = "availability zone"
    effort = 5

    def refuses(self, host: HostState, request: Request) -> bool:
        return request.availability_zone not in (None, host.availability_zone)

    def remedy(self, host: HostState, request: Request) -> str:
        return (
            f"is in availability zone {host.availability_zone}: ask for that one, or for none"
        )
