"""Hears from the kernel when links, addresses and routes come, change and go.

The reading runs in a thread of the process's own kind on a socket of the process's own kind, so it
stalls nobody: a green thread waits in the hub, a native one in the kernel.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import errno
import functools
import logging
import operator
import os
import select
import socket
from collections.abc import Iterable, Iterator
from typing import Any

from mycloud.agent.netinfo import netlink, records
from mycloud.common import clock, concurrency

LOG = logging.getLogger(__name__)

#: RTMGRP_ bits of linux/rtnetlink.h
GROUPS = {
    "link": 0x1, "ipv4-address": 0x10, "ipv4-route": 0x40, "ipv4-rule": 0x80,
    "ipv6-address": 0x100, "ipv6-route": 0x400, "ipv6-rule": 0x40000,
}
KINDS = ("newlink", "dellink", "newaddr", "deladdr", "newroute", "delroute", "newrule", "delrule")
#: Told whatever was asked for: the kernel had more to tell than the socket holds; this is the end.
LOST, ENDED = "lost", "ended"

_WAITING = 1000


@dataclasses.dataclass(frozen=True)
class Event:
    """Something has come, changed (``new...``) or gone (``del...``).

    :ivar device: name of the interface; None where the event is about none
    :ivar record: a ``Link``, ``AddressRecord``, ``Route`` or ``Rule``; None of ``LOST``, ``ENDED``
    """

    kind: str
    device: str | None
    record: Any


class Subscription:
    """The events of some kinds and of some interfaces, from when it was made on.

    Of a subscriber that does not read, only the latest events are kept, and that some are lost.
    """

    def __init__(self, kinds: Iterable[str], devices: Iterable[str]) -> None:
        self._kinds, self._devices = frozenset(kinds), frozenset(devices)
        self._events: collections.deque[Event] = collections.deque()
        self._came = concurrency.Condition()

    def get(self, timeout: float | None = None) -> Event:
        """:raises TimeoutError: none came within ``timeout`` seconds"""
        deadline = None if timeout is None else clock.monotonic() + timeout
        with self._came:
            while not self._events:
                left = None if deadline is None else deadline - clock.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError(f"no event within {timeout} s")
                self._came.wait(left)
            return self._events.popleft()

    def events(self, timeout: float) -> Iterator[Event]:
        """All that come within ``timeout`` seconds."""
        deadline = clock.monotonic() + timeout
        while True:
            try:
                yield self.get(max(0.0, deadline - clock.monotonic()))
            except TimeoutError:
                return

    def end(self) -> None:
        """Tell the reader, who may be another thread, that nothing more is to come."""
        self.offer(Event(ENDED, None, None))

    def offer(self, event: Event) -> None:
        """Keep it if it was asked for; called by the monitor."""
        wanted = event.kind in self._kinds and (
            not self._devices or event.device in self._devices
        )
        if not wanted and event.kind not in (LOST, ENDED):
            return
        with self._came:
            if len(self._events) >= _WAITING:
                self._events.popleft()
                self._events[0] = Event(LOST, None, None)
            self._events.append(event)
            self._came.notify_all()


class Monitor:
    """Hears the kernel between ``start`` and ``stop``.

    :ivar generation: None while nobody listens; else a number that grows with every event
    """

    def __init__(self, groups: Iterable[str] = tuple(GROUPS)) -> None:
        """:raises KeyError: an unknown group"""
        self._groups = functools.reduce(operator.or_, (GROUPS[each] for each in groups), 0)
        self._subscriptions: list[Subscription] = []
        self._names: dict[int, str] = {}
        self._socket: socket.socket | None = None
        self._bell: tuple[int, int] | None = None
        self._task: concurrency.Task[None] | None = None
        self.generation: int | None = None

    def start(self) -> None:
        """Listen, in the network namespace of the caller; returns when no event is missed."""
        self._socket = netlink.open_socket(self._groups)
        self._socket.setblocking(False)
        self._bell = os.pipe()
        asking = netlink.Netlink()
        try:
            links = (records.link(body) for _, body in asking.links())
            self._names = {each.index: each.name for each in links}
        finally:
            asking.close()
        self.generation = 1
        self._task = concurrency.spawn(self._run, self._socket, self._bell[0])

    def stop(self) -> None:
        """Listen no longer; nothing happens if it does not."""
        if self._task is None or self._bell is None or self._socket is None:
            return
        os.close(self._bell[1])
        self._task.wait(10)
        os.close(self._bell[0])
        self._socket.close()
        self._task = self._bell = self._socket = None

    def behind(self) -> bool:
        """The kernel has told something that is not yet in ``generation``."""
        if self._socket is None:
            return True
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass  # more than the socket holds: the reader will see it, too
        return True

    @contextlib.contextmanager
    def subscribe(
        self, *kinds: str, devices: Iterable[str] = ()
    ) -> Iterator[Subscription]:
        """Keep the events of these kinds (all) about these interfaces (all) for the caller.

        That some were lost is told to everybody: what was asked before has to be asked anew.

        :raises ValueError: there is no such kind
        """
        unknown = sorted(set(kinds) - set(KINDS))
        if unknown:
            raise ValueError(f"no kinds of events: {', '.join(unknown)}")
        found = Subscription(kinds or KINDS, devices)
        self._subscriptions.append(found)
        try:
            yield found
        finally:
            self._subscriptions.remove(found)

    def _run(self, events: socket.socket, bell: int) -> None:
        try:
            while bell not in select.select([events.fileno(), bell], [], [])[0]:
                self._read(events)
        except OSError:
            LOG.exception("The kernel is heard no more; each question asks it anew")
        finally:
            self.generation = None

    def _read(self, events: socket.socket) -> None:
        try:
            data = events.recv(1 << 17)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            LOG.warning("More happened to the network than could be told; asking anew")
            self._tell(Event(LOST, None, None))
            return
        # before it is decoded: what is asked from now on has seen the change
        self.generation = (self.generation or 0) + 1
        for kind, body in netlink.messages(data):
            for event in self._events(netlink.EVENTS.get(kind, ""), body):
                self._tell(event)

    def _tell(self, event: Event) -> None:
        self.generation = (self.generation or 0) + 1
        for each in tuple(self._subscriptions):
            each.offer(event)

    def _events(self, kind: str, body: bytes) -> Iterator[Event]:
        if kind in ("newlink", "dellink"):
            # a bridge tells of its ports, too, by messages that miss the rest
            if body[0] != socket.AF_UNSPEC:
                return
            link = records.link(body)
            if kind == "newlink":
                self._names[link.index] = link.name
            yield Event(kind, link.name, link)
            if kind == "dellink":
                self._names.pop(link.index, None)
        elif kind in ("newaddr", "deladdr"):
            address = records.address(body)
            yield Event(kind, self._names.get(address.index), address)
        elif kind in ("newroute", "delroute"):
            for route in records.routes(body):
                device = self._names.get(route.device) if route.device is not None else None
                yield Event(kind, device, route)
        elif kind in ("newrule", "delrule"):
            yield Event(kind, None, records.rule(body))
