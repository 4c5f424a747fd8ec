"""Refuse hosts that a server group's policy rules out."""

from mycloud.db import group_claims
from mycloud.scheduler.filters.base import Filter
from mycloud.scheduler.host_state import HostState, Request


class GroupFilter(Filter):
    """Affinity: all members on one host. Anti-affinity: at most so many on each."""

    label = "server group"
    effort = 20

    def refuses(self, host: HostState, request: Request) -> bool:
        return request.group is not None and not request.group.admits(host.host)

    def remedy(self, host: HostState, request: Request) -> str:
        group = request.group
        assert group is not None
        if group.policy == group_claims.AFFINITY:
            return "is not the one that the server group's other members are on"
        return (
            f"has {group.members[host.host]} of at most {group.max_per_host} members of the "
            "server group: use another group, or add a host"
        )
