"""Ways to an image's bytes for a compute host, and for its own ones to an image.

A host that shares the store's file system takes the file; one on another machine downloads it,
and shows a ticket that is good for this image only and for a few minutes. So a host needs no
token of a user, and an operation that is resumed long after its request gets its image too.
"""

import datetime
import hashlib
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg

from mycloud.common import clock, exceptions, states
from mycloud.db import engine, image_tickets, images, models
from mycloud.image import store, uploads

#: The header that carries a ticket.
TICKET_HEADER = "X-Mycloud-Image-Ticket"


def of(context: Any, image_id: str) -> dict[str, str | None]:
    """``path`` of the file in the store, ``url`` and ``token`` (a ticket) to download it; the
    latter two are None when nobody has told where the API is reached.

    :raises ImageNotFound: also for an image that is not active
    """
    with engine.reader() as conn:
        query = sa.select(models.images.c.upload_id).where(
            models.images.c.id == image_id, models.images.c.status == states.Image.ACTIVE
        )
        row = conn.execute(query).first()
    if row is None:
        raise exceptions.ImageNotFound(image_id=image_id)
    found: dict[str, str | None] = {
        "path": str(store.path(image_id, row.upload_id)), "url": None, "token": None
    }
    endpoint = _endpoint()
    if endpoint is not None:
        found["url"] = f"{endpoint}/v2/images/{image_id}/transfer"
        found["token"] = _ticket(image_id)
    return found


def to(image_id: str, disk_format: str) -> dict[str, str | None]:
    """Where a host brings the data of an image that has none yet: ``url`` and ``token`` as
    above, or where there is no URL ``path`` of a file that a service beside the store takes it
    from. An upload under way is given up: it is the host's own, of a life that has ended.

    :param disk_format: of the data
    :raises ImageNotFound: when somebody has deleted it meanwhile
    :raises StateConflict: when it has data
    """
    with engine.writer() as conn:
        everything = images.Viewer(None, everything=True)
        image = images.get(conn, image_id, everything, lock=True)
        if image["status"] == states.Image.SAVING:
            uploads.drop(conn, image_id, image["upload_id"])
        elif image["status"] != states.Image.QUEUED:
            raise exceptions.StateConflict(
                action="upload the data of", resource="image", id=image_id,
                attribute="status", state=image["status"],
            )
        images.update(conn, image_id, {"disk_format": disk_format})
    endpoint = _endpoint()
    if endpoint is None:
        return {"path": str(store.inbox(image_id)), "url": None, "token": None}
    url = f"{endpoint}/v2/images/{image_id}/transfer"
    return {"path": None, "url": url, "token": _ticket(image_id)}


def _endpoint() -> str | None:
    if cfg.CONF.image.endpoint:
        return str(cfg.CONF.image.endpoint).rstrip("/")
    if cfg.CONF.api.public_url:
        return str(cfg.CONF.api.public_url).rstrip("/") + "/image"
    return None


def _ticket(image_id: str) -> str:
    secret = clock.secret(32)
    now = clock.now()
    lifetime = datetime.timedelta(seconds=cfg.CONF.image.ticket_lifetime)
    with engine.writer() as conn:
        image_tickets.drop_expired(conn, now)
        image_tickets.insert(conn, _digest(secret), image_id, now + lifetime)
    return secret


def check_ticket(image_id: str, ticket: str) -> None:
    """:raises NotAuthenticated: when that is no ticket for that image, or an old one"""
    with engine.reader() as conn:
        if not image_tickets.holds(conn, _digest(ticket), image_id, clock.now()):
            raise exceptions.NotAuthenticated("The ticket is not good for this image (any more).")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
