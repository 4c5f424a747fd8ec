"""The projects that images are shared with."""

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.common import exceptions, states
from mycloud.db.models import image_members

Row = Mapping[str, Any]


def page(conn: Connection, image_id: str, member: str | None = None) -> list[Row]:
    """The members of an image in order of their ids (or only that one); they are few."""
    query = sa.select(image_members).where(image_members.c.image_id == image_id)
    if member is not None:
        query = query.where(image_members.c.member == member)
    return list(conn.execute(query.order_by(image_members.c.member)).mappings())


def get(conn: Connection, image_id: str, member: str) -> Row:
    """:raises ImageMemberNotFound: when the image is not shared with that project"""
    rows = page(conn, image_id, member)
    if not rows:
        raise exceptions.ImageMemberNotFound(image_id=image_id, member=member)
    return rows[0]


def count(conn: Connection, image_id: str) -> int:
    query = sa.select(sa.func.count()).where(image_members.c.image_id == image_id)
    return conn.execute(query).scalar_one()


def insert(conn: Connection, image_id: str, member: str, now: datetime.datetime) -> Row:
    """:raises ImageMemberExists: when it is one already"""
    row = {
        "image_id": image_id,
        "member": member,
        "status": states.Membership.PENDING,
        "created_at": now,
        "updated_at": now,
    }
    try:
        conn.execute(sa.insert(image_members).values(**row))
    except db_exc.DBDuplicateEntry as error:
        raise exceptions.ImageMemberExists(image_id=image_id, member=member) from error
    return row


def update(
    conn: Connection, image_id: str, member: str, status: str, now: datetime.datetime
) -> None:
    statement = sa.update(image_members).where(
        image_members.c.image_id == image_id, image_members.c.member == member
    )
    conn.execute(statement.values(status=status, updated_at=now))


def delete(conn: Connection, image_id: str, member: str) -> None:
    """:raises ImageMemberNotFound: when it was none"""
    statement = sa.delete(image_members).where(
        image_members.c.image_id == image_id, image_members.c.member == member
    )
    if not conn.execute(statement).rowcount:
        raise exceptions.ImageMemberNotFound(image_id=image_id, member=member)
