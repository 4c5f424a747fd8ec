"""Refuse hosts whose compute service can't be given work."""

from mycloud.scheduler.filters.base import Filter
from mycloud.scheduler.host_state import HostState, Request


class ServiceFilter(Filter):
    """Down, disabled or forced down."""

    label = "service status"
    # only an administrator can change it
    effort = 100

    def refuses(self, host: HostState, request: Request) -> bool:
        return host.out_of_service is not None

    def remedy(self, host: HostState, request: Request) -> str:
        return (
            f"has a compute service that is {host.out_of_service}: an administrator must bring "
            "it back"
        )
