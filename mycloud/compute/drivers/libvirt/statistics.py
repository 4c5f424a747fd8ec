"""Figures of domains: one question to libvirt for all of them.

Each function runs natively and takes the connection first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

import libvirt

from mycloud.agent.hypervisor import DiskFigures, GuestFigures, NicFigures
from mycloud.common import clock
from mycloud.compute.drivers.libvirt import disks, domain, queries

#: What is not asked for (dirty rate, performance events ...) costs libvirt time of its own.
_WHAT = (
    libvirt.VIR_DOMAIN_STATS_STATE
    | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_VCPU
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_BLOCK
)
#: A guest that libvirt waits for must not hold up the figures of the others.
_NOWAIT = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
_ACTIVE = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE
_KIB = 1024
_NANO = 1_000_000_000
#: Seconds that a definition is believed: a swap of volumes changes no device's name.
_BELIEVED_SECONDS = 60.0

Stats = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class _Definition:
    """What only the definition of a domain tells."""

    signature: tuple[Any, ...]
    read_at: float
    name: str
    project_id: str | None
    volumes: dict[str, str]
    addresses: dict[str, str]


class Figures:
    """Reads figures, and remembers definitions, which change seldom."""

    def __init__(self) -> None:
        self._definitions: dict[str, _Definition] = {}

    def all(self, conn: Any, ours: Callable[[str], bool]) -> list[GuestFigures]:
        """The figures of the domains that are ours and run or are paused."""
        found: list[GuestFigures] = []
        for dom, stats in conn.getAllDomainStats(_WHAT, _ACTIVE | _NOWAIT):
            server_id = domain.server_id_of(dom.name())
            if server_id is None or not ours(server_id):
                continue
            definition = self._definition(dom, server_id, stats)
            if definition is not None:
                found.append(_guest(server_id, definition, stats))
        here = {each.server_id for each in found}
        self._definitions = {
            server_id: each for server_id, each in self._definitions.items() if server_id in here
        }
        return found

    def one(self, conn: Any, server_id: str) -> GuestFigures:
        """The figures of one domain, which may be off; its definition is read anew.

        :raises libvirt.libvirtError: there is none
        """
        dom = conn.lookupByName(domain.name_of(server_id))
        [(_, stats)] = conn.domainListGetStats([dom], _WHAT, _NOWAIT)
        return _guest(server_id, _read(dom, _signature(dom, stats)), stats)

    def _definition(self, dom: Any, server_id: str, stats: Stats) -> _Definition | None:
        signature = _signature(dom, stats)
        known = self._definitions.get(server_id)
        if (
            known is not None
            and known.signature == signature
            and clock.monotonic() - known.read_at < _BELIEVED_SECONDS
        ):
            return known
        try:
            self._definitions[server_id] = found = _read(dom, signature)
        except libvirt.libvirtError as error:
            # it may have ended since it was counted
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            raise
        return found


def _signature(dom: Any, stats: Stats) -> tuple[Any, ...]:
    """Changes whenever the domain starts anew, or gets or loses a device."""
    names = [
        stats.get(f"{kind}.{number}.name")
        for kind in ("block", "net") for number in range(stats.get(f"{kind}.count", 0))
    ]
    return (dom.ID(), *names)


def _read(dom: Any, signature: tuple[Any, ...]) -> _Definition:
    definition = ET.fromstring(dom.XMLDesc())
    project = definition.find(
        f"metadata/{{{domain.NAMESPACE}}}server/{{{domain.NAMESPACE}}}owner[@kind='project_id']"
    )
    return _Definition(
        signature,
        clock.monotonic(),
        definition.findtext("title") or "",
        None if project is None else project.text,
        {found.target: volume_id for volume_id, found in disks.volumes(definition).items()},
        {
            _attribute(nic, "target", "dev"): _attribute(nic, "mac", "address")
            for nic in definition.findall("devices/interface")
        },
    )


def _attribute(parent: ET.Element, tag: str, name: str) -> str:
    found = parent.find(tag)
    return "" if found is None else found.get(name, "")


def _guest(server_id: str, definition: _Definition, stats: Stats) -> GuestFigures:
    vcpus = stats.get("vcpu.current", 0)
    resident = stats.get("balloon.rss")
    return GuestFigures(
        server_id=server_id,
        name=definition.name,
        project_id=definition.project_id,
        power_state=queries.power_state(stats.get("state.state")).value,
        vcpus=vcpus,
        cpu_seconds=stats.get("cpu.time", 0) / _NANO,
        vcpu_seconds=tuple(stats.get(f"vcpu.{n}.time", 0) / _NANO for n in range(vcpus)),
        memory_bytes=stats.get("balloon.current", 0) * _KIB,
        memory_used_bytes=_used(stats),
        memory_resident_bytes=None if resident is None else resident * _KIB,
        disks=tuple(_disks(definition, stats)),
        nics=tuple(_nics(definition, stats)),
    )


def _used(stats: Stats) -> int | None:
    """What the guest's balloon driver says; only a guest that has one does."""
    available, usable = stats.get("balloon.available"), stats.get("balloon.usable")
    if available is None or usable is None:
        return None
    return max(0, available - usable) * _KIB


def _disks(definition: _Definition, stats: Stats) -> Iterator[DiskFigures]:
    for number in range(stats.get("block.count", 0)):
        told = _of(stats, f"block.{number}.")
        device = told.get("name", "")
        yield DiskFigures(
            device=device,
            volume_id=definition.volumes.get(device),
            read_bytes=told.get("rd.bytes", 0),
            read_requests=told.get("rd.reqs", 0),
            read_seconds=told.get("rd.times", 0) / _NANO,
            write_bytes=told.get("wr.bytes", 0),
            write_requests=told.get("wr.reqs", 0),
            write_seconds=told.get("wr.times", 0) / _NANO,
            flush_requests=told.get("fl.reqs", 0),
            errors=told.get("errors"),
            capacity_bytes=told.get("capacity"),
            allocation_bytes=told.get("physical"),
        )


def _nics(definition: _Definition, stats: Stats) -> Iterator[NicFigures]:
    for number in range(stats.get("net.count", 0)):
        told = _of(stats, f"net.{number}.")
        device = told.get("name", "")
        counts = (
            told.get(f"{way}.{what}", 0)
            for way in ("rx", "tx") for what in ("bytes", "pkts", "errs", "drop")
        )
        yield NicFigures(device, definition.addresses.get(device) or None, *counts)


def _of(stats: Stats, prefix: str) -> Stats:
    """What is told of one device."""
    return {
        key.removeprefix(prefix): value for key, value in stats.items() if key.startswith(prefix)
    }
