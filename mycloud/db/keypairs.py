"""Key pairs: each belongs to a user, and its name is unique there."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.db.models import keypairs

Row = Mapping[str, Any]


def get(conn: Connection, user_id: str, name: str) -> Row:
    """:raises KeypairNotFound:"""
    query = sa.select(keypairs).where(keypairs.c.user_id == user_id, keypairs.c.name == name)
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.KeypairNotFound(name=name, user_id=user_id)
    return row


def every(
    conn: Connection, user_id: str, *, marker: str | None = None, limit: int | None = None
) -> list[Row]:
    """A user's key pairs by name, those after ``marker``.

    :raises UnknownMarker: when the marker is no key pair of the user
    """
    query = sa.select(keypairs).where(keypairs.c.user_id == user_id).order_by(keypairs.c.name)
    if marker is not None:
        known = sa.select(keypairs.c.id).where(
            keypairs.c.user_id == user_id, keypairs.c.name == marker
        )
        if conn.execute(known).first() is None:
            raise exceptions.UnknownMarker(marker=marker)
        query = query.where(keypairs.c.name > marker)
    if limit is not None:
        query = query.limit(limit)
    return list(conn.execute(query).mappings())


def insert(conn: Connection, values: dict[str, Any]) -> Row:
    """A new key pair; ``values``: user_id, name, type, fingerprint, public_key.

    :raises KeypairExists: when the user has one of that name
    """
    try:
        with conn.begin_nested():
            conn.execute(
                sa.insert(keypairs).values(
                    id=clock.new_id(), created_at=clock.now(), **values
                )
            )
    except db_exc.DBDuplicateEntry as error:
        raise exceptions.KeypairExists(name=values["name"]) from error
    return get(conn, values["user_id"], values["name"])


def delete(conn: Connection, user_id: str, name: str) -> None:
    """:raises KeypairNotFound:"""
    gone = conn.execute(
        sa.delete(keypairs).where(keypairs.c.user_id == user_id, keypairs.c.name == name)
    )
    if not gone.rowcount:
        raise exceptions.KeypairNotFound(name=name, user_id=user_id)
