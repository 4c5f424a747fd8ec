"""Tickets for files between hosts; see mycloud.agent.transfer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from mycloud.agent.host import Host
from mycloud.agent.port.acceptor import Acceptor
from mycloud.agent.port.http import transfers
from mycloud.agent.registry import verb
from mycloud.agent.transfer import cached_images
from mycloud.agent.transfer.tickets import Ticket, Tickets
from mycloud.common import clock, exceptions
from mycloud.privileged import arguments

Sha512 = Annotated[
    str,
    arguments.Check(
        "a sha512 in hex", lambda value: cached_images.SHA512.fullmatch(value) is not None
    ),
]


@verb("transfer.offer", changes=True)
def offer(
    host: Host, *, path: arguments.AbsolutePath, peer: arguments.Name, seconds: float = 600
) -> dict[str, Any]:
    """Let another host fetch a file of this one."""
    return _told(host, *host.part(Tickets).offer(Path(path), peer, seconds))


@verb("transfer.accept", changes=True)
def accept(
    host: Host, *, path: arguments.AbsolutePath, peer: arguments.Name, size: arguments.Size,
    seconds: float = 600, sha256: str | None = None,
) -> dict[str, Any]:
    """Let another host send a new file to this one."""
    tickets = host.part(Tickets)
    return _told(host, *tickets.accept(Path(path), peer, seconds, size=size, sha256=sha256))


@verb("transfer.cancel", changes=True)
def cancel(host: Host, *, id: arguments.Uuid) -> dict[str, Any]:
    """Make a ticket void, and remove what has come by it so far."""
    return {"cancelled": host.part(Tickets).drop(id)}


@verb("transfer.list")
def every(host: Host) -> list[dict[str, Any]]:
    """List the transfers that are allowed, without what would let one in."""
    now = clock.monotonic()
    return [
        {
            "id": ticket.id,
            "file": ticket.path.name,
            "peer": ticket.peer,
            "direction": "in" if ticket.incoming else "out",
            "size": ticket.size,
            "moved": ticket.moved.told(),
            "seconds_left": round(ticket.expires - now, 1),
        }
        for ticket in host.part(Tickets).every()
    ]


@verb("image.offer", changes=True)
def offer_image(
    host: Host, *, checksum: Sha512, peer: arguments.Name, seconds: float = 600
) -> dict[str, Any]:
    """Let another host fetch an image that is in the cache of this one, by its sha512."""
    path = host.state_dir / cached_images.DIRECTORY / checksum
    if not path.is_file():
        raise exceptions.NotFound(resource="Cached image", id=checksum)
    return _told(host, *host.part(Tickets).offer(path, peer, seconds))


def _told(host: Host, ticket: Ticket, secret: str) -> dict[str, Any]:
    url = host.part(Acceptor).url if Acceptor in host.parts else None
    if url is None:
        host.part(Tickets).drop(ticket.id)
        raise exceptions.Unavailable(what=f"The port of the agent of {host.name}")
    return {
        "id": ticket.id,
        "url": f"{url}{transfers.PATH}{ticket.id}",
        "token": secret,
        "size": ticket.size,
    }
