"""Tickets for the transfer of a file between hosts.

A ticket is for one file, one direction and one other host, until it expires or the whole file has
gone over; a connection that breaks in the middle may be taken up by the same ticket. Who holds it
shows its secret; only a digest of that is kept here. Tickets live in memory: a restart of the
agent makes all of them void.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import logging
import os
import stat
from pathlib import Path

from mycloud.agent.scheduler import Call, Scheduler
from mycloud.agent.transfer.intervals import Intervals
from mycloud.common import clock, concurrency, exceptions

LOG = logging.getLogger(__name__)

#: Tickets at a time; a control plane that hands out more has a fault.
_MAX_TICKETS = 256


@dataclasses.dataclass
class Ticket:
    """:ivar peer: the host that may use it, by the name in its certificate
    :ivar incoming: the peer sends the file; else it fetches it
    :ivar size: of the whole file, in bytes
    :ivar expires: by the monotonic clock
    :ivar sha256: what an incoming file must be, in hex; None: it is not looked at
    :ivar moved: the bytes that have gone over
    """

    id: str
    digest: bytes
    path: Path
    peer: str
    incoming: bool
    size: int
    expires: float
    sha256: str | None = None
    moved: Intervals = dataclasses.field(default_factory=Intervals)
    timer: Call | None = None

    @property
    def part(self) -> Path:
        """Where an incoming file grows."""
        return self.path.with_name(f".{self.path.name}.{self.id}.part")


class Tickets:
    """The tickets of one host, a part of its agent.

    :param roots: directories; only files below these may be transferred
    :param longest: seconds that a ticket may be good for at most
    """

    def __init__(self, scheduler: Scheduler, roots: tuple[Path, ...], *, longest: float):
        self._scheduler = scheduler
        self._roots = roots
        self._longest = longest
        self._lock = concurrency.Lock()
        self._tickets: dict[str, Ticket] = {}

    def start(self) -> None:
        """Nothing runs of it."""

    def stop(self) -> None:
        """Make all tickets void."""
        with self._lock:
            ids = list(self._tickets)
        for ticket_id in ids:
            self.drop(ticket_id)

    # -- for the control plane -----------------------------------------------------------------

    def offer(self, path: Path, peer: str, seconds: float) -> tuple[Ticket, str]:
        """A ticket to fetch a file, and its secret.

        :raises BadField: there is no such file, or it is not below the roots
        :raises TooManyTasks: too many tickets
        """
        real = self._confined(path)
        try:
            found = os.lstat(real)
        except OSError as error:
            raise _bad(f"{path} can't be read: {error.strerror}") from error
        if not stat.S_ISREG(found.st_mode):
            raise _bad(f"{path} is no regular file")
        return self._issue(seconds, path=real, peer=peer, incoming=False, size=found.st_size)

    def accept(
        self, path: Path, peer: str, seconds: float, *, size: int, sha256: str | None = None
    ) -> tuple[Ticket, str]:
        """A ticket to send a new file of that size, and its secret.

        :raises BadField: there is such a file already, or it is not below the roots
        :raises TooManyTasks: too many tickets
        """
        if size <= 0:
            raise exceptions.BadField(field="size", reason="must be a number of bytes above 0")
        real = self._confined(path)
        if os.path.lexists(real):
            raise _bad(f"{path} is there already")
        return self._issue(
            seconds, path=real, peer=peer, incoming=True, size=size, sha256=sha256
        )

    def drop(self, ticket_id: str) -> bool:
        """Make a ticket void; what has come by it so far is removed. False: there is none."""
        with self._lock:
            ticket = self._tickets.pop(ticket_id, None)
        if ticket is None:
            return False
        if ticket.timer is not None:
            ticket.timer.cancel()
        if ticket.incoming:
            ticket.part.unlink(missing_ok=True)
        return True

    def every(self) -> list[Ticket]:
        """All that are good."""
        with self._lock:
            return list(self._tickets.values())

    # -- for the port --------------------------------------------------------------------------

    def redeem(self, ticket_id: str, secret: str) -> Ticket:
        """:raises TicketInvalid: there is no such ticket, any more or at all"""
        with self._lock:
            ticket = self._tickets.get(ticket_id)
        # as long for one that there is not
        known = ticket.digest if ticket is not None else _digest("")
        same = hmac.compare_digest(known, _digest(secret))
        if ticket is None or not same or clock.monotonic() > ticket.expires:
            raise exceptions.TicketInvalid()
        return ticket

    def moved(self, ticket: Ticket, start: int, end: int) -> bool:
        """These bytes have gone over; whether that was the last of them."""
        with self._lock:
            ticket.moved.add(start, end)
            return ticket.moved.has(0, ticket.size)

    def finish(self, ticket: Ticket) -> None:
        """The whole file has gone over: the ticket is used up."""
        LOG.info("The transfer of %s %s %s is done", ticket.path.name,
                 "from" if ticket.incoming else "to", ticket.peer)
        self.drop(ticket.id)

    # -- how -----------------------------------------------------------------------------------

    def _confined(self, path: Path) -> Path:
        """The path without links above its last part, below one of the roots.

        :raises BadField:
        """
        real = path.parent.resolve() / path.name
        if not any(real.is_relative_to(root.resolve()) for root in self._roots):
            allowed = ", ".join(str(root) for root in self._roots)
            raise _bad(f"{path} is not below one of {allowed}")
        if not real.parent.is_dir():
            raise _bad(f"there is no directory {path.parent}")
        return real

    def _issue(self, seconds: float, **values: object) -> tuple[Ticket, str]:
        if not 0 < seconds <= self._longest:
            raise exceptions.BadField(
                field="seconds", reason=f"must be above 0 and at most {self._longest:g}"
            )
        secret, ticket_id = clock.secret(32), clock.new_id()
        expires = clock.monotonic() + seconds
        ticket = Ticket(
            id=ticket_id, digest=_digest(secret), expires=expires, **values  # type: ignore[arg-type]
        )
        with self._lock:
            if len(self._tickets) >= _MAX_TICKETS:
                raise exceptions.TooManyTasks(count=len(self._tickets))
            self._tickets[ticket_id] = ticket
        ticket.timer = self._scheduler.schedule(seconds, lambda: self.drop(ticket_id))
        return ticket, secret


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def _bad(reason: str) -> exceptions.BadField:
    return exceptions.BadField(field="path", reason=reason)
