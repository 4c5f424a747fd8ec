"""Watches the leases of the host's networks, and gives each a source route.

Of the pairs of an interface and a family that are watched, a lease is heard of in two ways: by the
hook of a DHCP client, and by the kernel's own events, for clients that have no hook.  What a host
is asked on such a network it then answers on that network.  When the lease ends, or the network
goes, the source route goes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mycloud.agent.dhcp import events
from mycloud.agent.dhcp.events import DhcpEvent, Lease
from mycloud.agent.netinfo.facts import Facts
from mycloud.agent.netinfo.monitor import ENDED, LOST, Event, Monitor, Subscription
from mycloud.agent.network import canonical
from mycloud.agent.network.canonical import Config
from mycloud.common import concurrency, exceptions
from mycloud.privileged import client, errors

LOG = logging.getLogger(__name__)

#: the name of its socket in the host's state directory
SOCKET = "dhcp-events"
#: what a socket's address may be long, by the kernel
_ADDRESS_BYTES = 107
_FAMILIES = {"v4": 4, "v6": 6}
_MAIN = 254
_KINDS = ("newaddr", "deladdr", "newroute", "dellink")

Pair = tuple[str, int]


class DhcpMonitor:
    """:ivar pool: the pairs of an interface and a family that are watched"""

    def __init__(self, facts: Facts, monitor: Monitor, path: Path) -> None:
        """:param path: of the socket that hooks write to; its directory is nobody else's"""
        self.pool: frozenset[Pair] = frozenset()
        self._facts, self._monitor, self._path = facts, monitor, path
        self._routes: dict[Pair, Lease] = {}
        self._lock = concurrency.Lock()
        self._hooks: socket.socket | None = None
        self._tasks: list[concurrency.Task[None]] = []
        self._stop = contextlib.ExitStack()

    def start(self) -> None:
        """Listen to hooks and to the kernel; the monitor has to run."""
        self._hooks = self._bound()
        subscription = self._stop.enter_context(self._monitor.subscribe(*_KINDS))
        self._stop.callback(subscription.end)
        self._tasks.append(concurrency.spawn(self._hear_kernel, subscription))
        if self._hooks is not None:
            self._tasks.append(concurrency.spawn(self._hear_hooks, self._hooks))

    def stop(self) -> None:
        """Listen no more; source routes stay, as leases do."""
        if self._hooks is not None:
            self._wake()
        self._stop.close()
        for task in self._tasks:
            task.wait(10)
        self._tasks = []
        if self._hooks is not None:
            self._hooks.close()
            self._path.unlink(missing_ok=True)
            self._hooks = None

    def watch(self, pairs: Iterable[Pair], *, static: Iterable[Pair] = ()) -> None:
        """Watch these from now on, and no others: their source routes go.

        :param static: whose source routes are not a lease's

        :raises PrivilegedError: the root helper can't see to it
        """
        with self._lock:
            self.pool = frozenset(pairs)
            found = {
                (each["device"], each["family"]) for each in client.call.source_route_list()
            }
            for device, family in sorted((found | set(self._routes)) - set(static)):
                if (device, family) not in self.pool or not self._there(device):
                    self._forget(device, family)
            for device, family in sorted(self.pool):
                self._look(device, family)

    def watch_networks(self, config: Config) -> None:
        """Watch the networks that ask for leases.

        :raises PrivilegedError: as by ``watch``
        """
        networks = config.networks.values()
        self.watch(
            [(each.device, _FAMILIES[family]) for each in networks for family in each.dhcp],
            static=[
                (each.device, 6 if ":" in gateway else 4)
                for each in networks for gateway in each.gateways
            ],
        )

    def refresh(self) -> None:
        """Watch the networks that were committed last; what can't be done now is logged."""
        helper = client.current()
        # not waited for: without it there is nothing that could be done
        if helper is None or not helper.path.exists():
            return
        with _told("of the host's networks"):
            committed = client.call.checkpoint_status()["committed"]
            if committed is not None:
                self.watch_networks(canonical.change(committed["document"], Config()).config)

    def handle(self, event: DhcpEvent) -> None:
        """What a hook tells; of an interface that is not watched, nothing is done.

        :raises PrivilegedError: the root helper can't see to it
        """
        with self._lock:
            if (event.device, event.family) not in self.pool:
                LOG.debug("A lease of %s is nobody's here", event.device)
            elif event.lease is None:
                self._forget(event.device, event.family)
            else:
                self._remember((event.device, event.family), event.lease)

    def document(self) -> dict[str, Any]:
        """``watched`` and ``source_routes``, for people."""
        with self._lock:
            return {
                "watched": [
                    {"device": device, "family": family} for device, family in sorted(self.pool)
                ],
                "source_routes": [
                    {
                        "device": device, "family": family, "address": lease.address,
                        "gateway": lease.gateway,
                    }
                    for (device, family), lease in sorted(self._routes.items())
                ],
            }

    def _hear_hooks(self, hooks: socket.socket) -> None:
        while True:
            data = hooks.recv(events.LONGEST + 1)
            if not data:
                return
            with _told("of a DHCP client"):
                self.handle(events.parse(data))

    def _hear_kernel(self, subscription: Subscription) -> None:
        self.refresh()
        while True:
            event = subscription.get()
            if event.kind == ENDED:
                return
            with _told("of the kernel"):
                self._see(event)

    def _see(self, event: Event) -> None:
        with self._lock:
            if event.kind == LOST:
                for device, family in sorted(self.pool | set(self._routes)):
                    self._look(device, family)
            elif event.device is None:
                return
            elif event.kind == "dellink":
                for device, family in sorted(self._routes):
                    if device == event.device:
                        self._forget(device, family)
            elif _tells_of_a_lease(event):
                family = 6 if event.record.family == "inet6" else 4
                if (event.device, family) in self.pool:
                    self._look(event.device, family)

    def _look(self, device: str, family: int) -> None:
        """See by the kernel whether there is a lease with a gateway, or the old one has ended."""
        known = self._routes.get((device, family))
        found = self._lease(device, family)
        if found is not None:
            self._remember((device, family), found)
        elif known is not None and not self._has(device, known.address):
            self._forget(device, family)

    def _lease(self, device: str, family: int) -> Lease | None:
        snapshot = self._facts.snapshot()
        word = "inet6" if family == 6 else "inet"
        links = [each.index for each in snapshot.links.values() if each.name == device]
        leased = [
            each.address for each in snapshot.addresses
            if each.index in links and each.family == word and each.dynamic
            and each.scope == "global"
        ]
        gateways = [
            each.gateway for each in sorted(snapshot.routes, key=lambda route: route.metric)
            if each.device in links and each.family == word and each.gateway
            and each.destination == "default"
        ]
        return Lease(leased[0], gateways[0]) if leased and gateways else None

    def _has(self, device: str, address: str) -> bool:
        snapshot = self._facts.snapshot()
        return any(
            each.address == address and snapshot.name(each.index) == device
            for each in snapshot.addresses
        )

    def _there(self, device: str) -> bool:
        return any(each.name == device for each in self._facts.snapshot().links.values())

    def _remember(self, pair: Pair, lease: Lease) -> None:
        if self._routes.get(pair) == lease:
            return
        client.call.source_route_add(pair[0], lease.address, lease.gateway)
        self._routes[pair] = lease
        LOG.info("%s answers from %s by %s", pair[0], lease.address, lease.gateway)

    def _forget(self, device: str, family: int) -> None:
        client.call.source_route_remove(device, family=family)
        if self._routes.pop((device, family), None) is not None:
            LOG.info("%s has no lease of IPv%d any more", device, family)

    def _bound(self) -> socket.socket | None:
        if len(os.fsencode(self._path)) > _ADDRESS_BYTES:
            LOG.warning("DHCP clients can't tell of leases: the path %s is too long", self._path)
            return None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            found.bind(str(self._path))
            self._path.chmod(0o600)
        except OSError:
            found.close()
            raise
        return found

    def _wake(self) -> None:
        """An empty datagram ends the reading."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own, contextlib.suppress(OSError):
            own.sendto(b"", str(self._path))


def _tells_of_a_lease(event: Event) -> bool:
    if event.kind == "newroute":
        return (event.record.destination, event.record.table) == ("default", _MAIN)
    return bool(event.kind == "deladdr" or event.record.dynamic)


@contextlib.contextmanager
def _told(whence: str) -> Iterator[None]:
    """What can't be done now is logged; the next event tries again."""
    try:
        yield
    except (errors.PrivilegedError, exceptions.MycloudError, OSError) as error:
        LOG.warning("An event %s comes to nothing: %s", whence, error)
