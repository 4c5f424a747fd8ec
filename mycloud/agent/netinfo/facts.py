"""The network of the host in one document, told anew only after it has changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from mycloud.agent.netinfo import records, shares
from mycloud.agent.netinfo.monitor import Monitor
from mycloud.agent.netinfo.netlink import Netlink
from mycloud.agent.netinfo.records import AddressRecord, Info, Link, Route
from mycloud.agent.netinfo.sysfs import NIC_FIELDS, Files
from mycloud.common import clock, concurrency, exceptions

Document = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """The network at one moment; ``generation`` is the monitor's of before it was read."""

    generation: int
    links: Mapping[int, Link]
    addresses: tuple[AddressRecord, ...]
    routes: tuple[Route, ...]

    def link(self, name: str) -> Link:
        """:raises NoSuchInterface: the host has none of that name"""
        for each in self.links.values():
            if each.name == name:
                return each
        known = ", ".join(sorted(each.name for each in self.links.values()))
        raise exceptions.NoSuchInterface(interface=name, id=name, known=known)

    def name(self, index: int | None) -> str | None:
        """Of the interface with that index, if it is in this namespace."""
        found = self.links.get(index) if index is not None else None
        return found.name if found is not None else None


class Facts:
    """Tells the network of the host; safe for several callers.

    A snapshot serves until the monitor has seen a change, and no longer than ``lifetime``
    seconds; without a running monitor each question is asked anew.
    """

    lifetime = 60.0

    def __init__(self, *, monitor: Monitor | None = None, files: Files | None = None) -> None:
        self.files = files or Files()
        self._monitor = monitor
        self._lock = concurrency.Lock()
        self._netlink: Netlink | None = None
        self._kept: tuple[Snapshot, float] | None = None
        self._counted: tuple[dict[int, dict[str, int]], float] | None = None

    def start(self) -> None:
        """Open the way to the kernel, in the network namespace of the caller."""
        self._netlink = self._netlink or Netlink()

    def stop(self) -> None:
        """Close it; a later question opens it anew."""
        if self._netlink is not None:
            self._netlink.close()
        self._netlink = self._kept = self._counted = None

    def invalidate(self) -> None:
        """Ask the kernel for the next snapshot, whatever the monitor has seen."""
        self._kept = None

    def snapshot(self) -> Snapshot:
        """The network as it is now.

        :raises NetlinkFailed: the kernel does not tell
        """
        with self._lock:
            generation = self._monitor.generation if self._monitor is not None else None
            if self._kept is not None and generation is not None:
                kept, until = self._kept
                current = kept.generation == generation and not self._behind()
                if current and clock.monotonic() < until:
                    return kept
            found = read(self._ask(), generation=generation or 0)
            self._kept = found, clock.monotonic() + self.lifetime
            return found

    def capabilities(self) -> Document:
        """What ``network.caps`` tells."""
        snapshot = self.snapshot()
        with self._lock:
            qos = shares.of_interfaces(self._ask())
        named = {snapshot.name(index): networks for index, networks in qos.items()}
        return {
            **describe(snapshot, self.files),
            "qos": {name: networks for name, networks in named.items() if name is not None},
        }

    def statistics(self) -> Document:
        """What ``network.stats`` tells: counters, and rates since they were asked for before."""
        snapshot = self.snapshot()
        with self._lock:
            now, counters = clock.monotonic(), self._ask().counters()
            before, self._counted = self._counted, (counters, now)
        interfaces = {}
        for index, values in counters.items():
            name = snapshot.name(index)
            if name is not None:
                interfaces[name] = {**values, **_rates(index, values, before, now)}
        return {
            "seconds": None if before is None else round(now - before[1], 6),
            "interfaces": interfaces,
        }

    def wait_for_link_up(self, name: str, timeout: float) -> Link:
        """Wait until an interface works, and tell it; needs the monitor.

        :raises LinkStayedDown: it does not within ``timeout`` seconds
        :raises NoSuchInterface: there is none of that name, or no longer
        """
        assert self._monitor is not None, "facts without a monitor can't wait"
        with self._monitor.subscribe("newlink", "dellink") as subscription:
            deadline = clock.monotonic() + timeout
            while True:
                # not the snapshot that is kept: the kernel tells of a lost carrier late
                self.invalidate()
                found = self.snapshot().link(name)
                if records.works(found):
                    return found
                try:
                    subscription.get(max(0.0, deadline - clock.monotonic()))
                except TimeoutError:
                    raise exceptions.LinkStayedDown(
                        interface=name, seconds=timeout, found=found.state
                    ) from None

    def _behind(self) -> bool:
        return self._monitor is None or self._monitor.behind()

    def _ask(self) -> Netlink:
        self.start()
        assert self._netlink is not None
        return self._netlink


def read(netlink: Netlink, *, generation: int = 0) -> Snapshot:
    """Ask the kernel: three questions, whatever their answers' length."""
    links = {each.index: each for each in (records.link(body) for _, body in netlink.links())}
    addresses = tuple(records.address(body) for _, body in netlink.addresses())
    routes = tuple(route for _, body in netlink.routes() for route in records.routes(body))
    return Snapshot(generation, links, addresses, routes)


def describe(snapshot: Snapshot, files: Files) -> Document:
    """A snapshot as the document that ``network.caps`` promises."""
    found: Document = {"nics": {}, "bonds": {}, "bridges": {}, "vlans": {}, "others": {}}
    nics = _nics(snapshot.links.values())
    addresses = _addresses(snapshot)
    for each in sorted(snapshot.links.values(), key=lambda link: link.name):
        document = _common(snapshot, each) | {"addresses": addresses.get(each.index, [])}
        if each.index in nics:
            found["nics"][each.name] = document | _nic(each, files)
        elif each.kind == "bond":
            found["bonds"][each.name] = document | _bond(snapshot, each)
        elif each.kind == "bridge":
            found["bridges"][each.name] = document | _bridge(snapshot, each)
        elif each.kind == "vlan":
            tag = each.info.get(Info.VLAN_ID)
            found["vlans"][each.name] = document | {"vlan": tag}
        else:
            found["others"][each.name] = document
    main = next(table for table, name in records.TABLES.items() if name == "main")
    found["routes"] = [
        _route(snapshot, each) for each in snapshot.routes if each.type == "unicast"
    ]
    found["default_route"] = {
        family: next((
            {"gateway": each.gateway, "device": snapshot.name(each.device)}
            for each in sorted(snapshot.routes, key=lambda route: route.metric)
            if (each.family, each.destination, each.table) == (family, "default", main)
        ), None)
        for family in records.FAMILIES.values()
    }
    found["name_servers"] = files.name_servers()
    return found


def _nics(links: Iterable[Link]) -> set[int]:
    """Which are the host's NICs.

    A host that is a network namespace has none of its own: there the ends of pairs serve whose
    other ends are outside.
    """
    every = list(links)
    hardware = {each.index for each in every if each.kind == "physical"}
    return hardware or {each.index for each in every if each.kind == "veth" and each.foreign}


def _nic(link: Link, files: Files) -> Document:
    # the files of a namespace's end of a pair may be those of another interface of that name
    hardware = files.nic(link.name) if link.kind == "physical" else dict.fromkeys(NIC_FIELDS)
    return {
        **hardware,
        "driver": hardware["driver"] or (None if link.kind == "physical" else link.kind),
        "permanent_mac": link.permanent_mac or link.mac,
    }


def _common(snapshot: Snapshot, link: Link) -> Document:
    return {
        "index": link.index,
        "kind": link.kind,
        "mac": link.mac,
        "mtu": link.mtu,
        "up": link.up,
        "carrier": link.carrier,
        "link_state": link.state,
        "master": snapshot.name(link.master),
        "parent": None if link.foreign else snapshot.name(link.parent),
    }


def _addresses(snapshot: Snapshot) -> dict[int, list[Document]]:
    """By the index of the interface that has them."""
    found: dict[int, list[Document]] = {}
    for each in snapshot.addresses:
        found.setdefault(each.index, []).append({
            "address": each.address, "family": each.family, "scope": each.scope,
            "dynamic": each.dynamic, "tentative": each.tentative,
        })
    return found


def _ports(snapshot: Snapshot, link: Link) -> list[Link]:
    ports = (each for each in snapshot.links.values() if each.master == link.index)
    return sorted(ports, key=lambda each: each.name)


def _bond(snapshot: Snapshot, link: Link) -> Document:
    mode = link.info.get(Info.BOND_MODE)
    return {
        "mode": None if mode is None else records.BOND_MODES[mode],
        "members": [each.name for each in _ports(snapshot, link)],
        "active": snapshot.name(link.info.get(Info.BOND_ACTIVE)),
        "primary": snapshot.name(link.info.get(Info.BOND_PRIMARY)),
        "miimon_ms": link.info.get(Info.BOND_MIIMON),
    }


def _bridge(snapshot: Snapshot, link: Link) -> Document:
    ports = _ports(snapshot, link)
    delay = link.info.get(Info.FORWARD_DELAY)
    return {
        "ports": [each.name for each in ports],
        "port_states": {
            each.name: each.port_state for each in ports if each.port_state is not None
        },
        "stp": bool(link.info.get(Info.STP)),
        # the kernel counts hundredths of a second
        "forward_delay_seconds": None if delay is None else delay / 100,
        "vlan_filtering": bool(link.info.get(Info.VLAN_FILTERING)),
    }


def _route(snapshot: Snapshot, route: Route) -> Document:
    table = records.TABLES.get(route.table, str(route.table))
    device = snapshot.name(route.device)
    return {**vars(route), "device": device, "table": table}


def _rates(
    index: int, values: Mapping[str, int], before: tuple[dict[int, dict[str, int]], float] | None,
    now: float,
) -> Document:
    """Bits a second in both directions; None at the first question, and of a new interface."""
    names = {"rx_bps": "rx_bytes", "tx_bps": "tx_bytes"}
    if before is None or index not in before[0] or now <= before[1]:
        return dict.fromkeys(names)
    old, seconds = before[0][index], now - before[1]
    return {
        rate: round(max(0, values[counter] - old[counter]) * 8 / seconds)
        for rate, counter in names.items()
    }
