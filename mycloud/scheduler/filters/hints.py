"""Refuse hosts by the scheduler hints of the request."""

import ipaddress

from mycloud.scheduler.filters.base import Filter
from mycloud.scheduler.host_state import HostState, Request


class SameHostFilter(Filter):
    """``same_host``: where one of these servers is."""

    label = "hint same_host"
    effort = 5

    def refuses(self, host: HostState, request: Request) -> bool:
        wanted = request.hinted("same_host")
        return bool(wanted) and host.host not in {
            request.hinted_hosts.get(server_id) for server_id in wanted
        }

    def remedy(self, host: HostState, request: Request) -> str:
        return "has none of the servers that the hint same_host names: leave the hint out"


class DifferentHostFilter(Filter):
    """``different_host``: where none of these servers is."""

    label = "hint different_host"
    effort = 5

    def refuses(self, host: HostState, request: Request) -> bool:
        return any(
            request.hinted_hosts.get(server_id) == host.host
            for server_id in request.hinted("different_host")
        )

    def remedy(self, host: HostState, request: Request) -> str:
        return "has a server that the hint different_host names: leave the hint out"


class NearHostFilter(Filter):
    """``build_near_host_ip`` with ``cidr`` (/24 unless given): hosts with an address in it."""

    label = "hint build_near_host_ip"
    effort = 5

    def refuses(self, host: HostState, request: Request) -> bool:
        address = request.hints.get("build_near_host_ip")
        if address is None:
            return False
        if host.host_ip is None:
            return True
        try:
            network = ipaddress.ip_network(
                f"{address}/{str(request.hints.get('cidr', '24')).lstrip('/')}", strict=False
            )
            return ipaddress.ip_address(host.host_ip) not in network
        except ValueError:
            return True

    def remedy(self, host: HostState, request: Request) -> str:
        return "has no address in the network of build_near_host_ip: leave the hint out"
