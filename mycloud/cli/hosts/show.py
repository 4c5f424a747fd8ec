"""``mycloud host list`` and ``mycloud host show``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from mycloud.cli.columns import Optional
from mycloud.cli.command import Lister, ShowOne, pairs
from mycloud.cli.hosts import sections
from mycloud.client import errors


class ListHosts(Lister):
    """List the hosts that run servers (administrators)"""

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        columns = ("ID", "Name", "Type", "State", "Status", "VCPUs", "RAM", "Disk", "Servers")
        return columns, [
            (
                host.id,
                host.name,
                host.hypervisor_type,
                host.state,
                host.status,
                f"{host.vcpus_used}/{host.vcpus}",
                f"{host.memory_mb_used}/{host.memory_mb}",
                f"{host.local_gb_used}/{host.local_gb}",
                host.running_servers,
            )
            for host in self.client.hosts.list()
        ]


class ShowHost(ShowOne):
    """Show one host: what is claimed on it, and what it tells of itself (administrators)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST", help="name or id")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        hosts = self.client.hosts
        host = hosts.find(parsed_args.host)
        try:
            name = host.service_host or host.name
            told = sections.of(hosts.details(name)) if hosts.tell else {}
        except errors.NotFound:
            # a cloud of an earlier version
            told = {}
        return pairs(
            {
                "id": host.id,
                "name": host.name,
                "service_host": host.service_host,
                "address": host.address,
                "hypervisor_type": host.hypervisor_type,
                "hypervisor_version": host.hypervisor_version,
                "state": host.state,
                "status": host.status,
                "disabled_reason": Optional(host.disabled_reason),
                "vcpus": host.vcpus,
                "vcpus_used": host.vcpus_used,
                "memory_mb": host.memory_mb,
                "memory_mb_used": host.memory_mb_used,
                "local_gb": host.local_gb,
                "local_gb_used": host.local_gb_used,
                "running_servers": host.running_servers,
                **told,
            }
        )
