"""``/transfers/{id}``: files between hosts, by ticket and in ranges.

GET fetches a file, all of it or one range. PUT sends one, all of it or the part that
``Content-Range`` tells; HEAD and GET of such a ticket tell in ``X-Mycloud-Received`` what is there
already. The ticket's secret goes in ``Authorization: Bearer``. Without TLS only this very machine
is served.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from mycloud.agent.host import Host
from mycloud.agent.port.http import message
from mycloud.agent.port.http.message import Refused, Reply, Request
from mycloud.agent.port.http.server import Handler
from mycloud.agent.port.settings import Patience
from mycloud.agent.transfer.tickets import Ticket, Tickets
from mycloud.common import concurrency, exceptions

PATH = "/transfers/"
RECEIVED = "X-Mycloud-Received"

_CHUNK = 1 << 20
#: what is looked at as a whole when zeros become holes
_BLOCK = 64 << 10
_ZEROS = bytes(_BLOCK)
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


def handlers(host: Host, patience: Patience) -> dict[str, Handler]:
    """By method."""
    return {
        "GET": functools.partial(_get, host, patience),
        "PUT": functools.partial(_put, host, patience),
    }


def _redeemed(host: Host, request: Request) -> tuple[Tickets, Ticket]:
    """:raises TicketInvalid: :raises Forbidden: it is another host's"""
    tickets = host.part(Tickets)
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret:
        raise Refused(401, "show the ticket's token", WWW_Authenticate="Bearer")
    ticket = tickets.redeem(request.path.removeprefix(PATH), secret.strip())
    if request.peer.tls:
        if request.peer.name != ticket.peer:
            raise exceptions.TicketOfAnother(peer=ticket.peer)
    elif not request.peer.local:
        raise exceptions.TicketNeedsTls()
    return tickets, ticket


# -- out -----------------------------------------------------------------------


def _get(host: Host, patience: Patience, request: Request) -> Reply:
    tickets, ticket = _redeemed(host, request)
    if ticket.incoming:
        return _progress(ticket)
    start, end = _asked(request, ticket.size)
    headers = {"Accept-Ranges": "bytes"}
    if (start, end) != (0, ticket.size) or "range" in request.headers:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{ticket.size}"
    return Reply(
        206 if "Content-Range" in headers else 200,
        content_type="application/octet-stream", headers=headers, length=end - start,
        pieces=_pieces(request, patience, (tickets, ticket), (start, end)),
    )


def _pieces(
    request: Request, patience: Patience, found: tuple[Tickets, Ticket], asked: tuple[int, int]
) -> Iterator[bytes]:
    tickets, ticket = found
    begun, end = asked
    at = begun
    descriptor = os.open(ticket.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        while at < end:
            piece = concurrency.run_native(os.pread, descriptor, min(_CHUNK, end - at), at)
            if not piece:
                raise ConnectionAbortedError("a file became shorter while it was sent")
            # each piece has time of its own: a file may be big
            request.stream.limit(patience.request)
            yield piece
            at += len(piece)
            whole = tickets.moved(ticket, begun, at)
        if whole:
            tickets.finish(ticket)
    finally:
        os.close(descriptor)


def _asked(request: Request, size: int) -> tuple[int, int]:
    """From which byte to which, that one not included.

    :raises RangeNotSatisfiable:
    """
    text = request.headers.get("range")
    if text is None:
        return 0, size
    found = _RANGE.fullmatch(text.strip())
    first, last = found.groups() if found else ("", "")
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
    elif last:
        start, end = max(0, size - int(last)), size
    else:
        start, end = size, size
    if start >= end:
        raise Refused(
            416, f"the range {text[:60]!r} is not within the {size} bytes that there are",
            Content_Range=f"bytes */{size}",
        )
    return start, end


# -- in ------------------------------------------------------------------------


def _progress(ticket: Ticket) -> Reply:
    received = ticket.moved.told()
    text = ",".join(f"{low}-{high - 1}" for low, high in received)
    told = {"size": ticket.size, "received": received}
    reply = message.as_json(told)
    reply.headers[RECEIVED] = text
    return reply


def _put(host: Host, patience: Patience, request: Request) -> Reply:
    tickets, ticket = _redeemed(host, request)
    if not ticket.incoming:
        raise Refused(405, "this ticket is for fetching a file", fatal=True, Allow="GET")
    start, end = _told(request, ticket.size)
    whole = False
    descriptor = _opened(ticket)
    try:
        at = start
        for piece in request.chunks(_CHUNK):
            request.stream.limit(patience.request)
            concurrency.run_native(_write, descriptor, piece, at, ticket)
            at += len(piece)
            whole = tickets.moved(ticket, start, at)
        if whole:
            concurrency.run_native(os.fsync, descriptor)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise Refused(507, "there is no room for the file on this host", fatal=True) from error
    finally:
        os.close(descriptor)
    if not whole:
        return Reply(202, headers=_progress(ticket).headers)
    _put_in_place(ticket)
    tickets.finish(ticket)
    return Reply(201)


def _told(request: Request, size: int) -> tuple[int, int]:
    """Which bytes of the file are in the body."""
    text = request.headers.get("content-range")
    if text is None:
        start, end, whole = 0, request.length, size
        if end != size:
            raise Refused(
                400, f"the file has {size} bytes, not {end}; tell a part by Content-Range",
                fatal=True,
            )
    else:
        found = _CONTENT_RANGE.fullmatch(text.strip())
        if found is None:
            raise Refused(400, "Content-Range is not 'bytes FIRST-LAST/SIZE'", fatal=True)
        start, end, whole = int(found[1]), int(found[2]) + 1, int(found[3])
    if whole != size or start >= end or end > size or end - start != request.length:
        raise Refused(
            416, f"the body is not those bytes of a file of {size} bytes", fatal=True,
            Content_Range=f"bytes */{size}",
        )
    return start, end


def _opened(ticket: Ticket) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(ticket.part, flags, 0o600)
    # a hole; what is never written stays one
    os.ftruncate(descriptor, ticket.size)
    return descriptor


def _write(descriptor: int, piece: bytes, at: int, ticket: Ticket) -> None:
    view = memoryview(piece)
    while view:
        block = view[:_BLOCK]
        fresh = not ticket.moved.touches(at, at + len(block))
        if not (fresh and block == _ZEROS[: len(block)]):
            done = 0
            while done < len(block):
                done += os.pwrite(descriptor, block[done:], at + done)
        at += len(block)
        view = view[len(block):]


def _put_in_place(ticket: Ticket) -> None:
    """:raises TransferDamaged: :raises Conflict: somebody else has made the file meanwhile"""
    if ticket.sha256 is not None:
        found = concurrency.run_native(_sha256, ticket.part)
        if found != ticket.sha256:
            ticket.part.unlink()
            # it may be sent once more
            ticket.moved = type(ticket.moved)()
            raise exceptions.TransferDamaged()
    try:
        # not by a rename: that would replace what is there
        os.link(ticket.part, ticket.path)
    except FileExistsError as error:
        raise exceptions.Conflict(reason=f"{ticket.path.name} is there already") from error
    ticket.part.unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
