"""Tickets with which compute hosts download the data of images. Only digests are kept."""

import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.db.models import image_tickets


def insert(conn: Connection, digest: str, image_id: str, expires_at: datetime.datetime) -> None:
    conn.execute(
        sa.insert(image_tickets).values(
            digest=digest, image_id=image_id, expires_at=expires_at
        )
    )


def holds(conn: Connection, digest: str, image_id: str, now: datetime.datetime) -> bool:
    """Whether there is such a ticket for that image, and it is not too old."""
    query = sa.select(image_tickets.c.digest).where(
        image_tickets.c.digest == digest,
        image_tickets.c.image_id == image_id,
        image_tickets.c.expires_at > now,
    )
    return conn.execute(query).first() is not None


def drop_expired(conn: Connection, now: datetime.datetime) -> None:
    conn.execute(sa.delete(image_tickets).where(image_tickets.c.expires_at <= now))


def drop_of(conn: Connection, image_id: str) -> None:
    conn.execute(sa.delete(image_tickets).where(image_tickets.c.image_id == image_id))
