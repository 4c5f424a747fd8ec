"""Groups of users: what a group may, its members may."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from mycloud.common import exceptions
from mycloud.db import engine, models
from mycloud.db.identity import assignments, rows
from mycloud.db.identity.rows import Row
from mycloud.identity import changes, records
from mycloud.identity.changes import Change


def create(values: Mapping[str, Any]) -> Row:
    """:raises NameTaken:"""
    with changes.writer() as change:
        records.need(change.conn, records.DOMAIN, values["domain_id"])
        return records.create(change, records.GROUP, values)


def update(group_id: str, values: Mapping[str, Any], extra: Mapping[str, Any]) -> Row:
    """:raises NameTaken:"""
    with changes.writer() as change:
        row = records.need(change.conn, records.GROUP, group_id)
        whole = {**values, "extra": records.merged_extra(row, extra)}
        return records.update(change, records.GROUP, row, whole)


def delete(group_id: str) -> None:
    """:raises IdentityNotFound:"""
    with changes.writer() as change:
        records.need(change.conn, records.GROUP, group_id)
        remove(change, group_id)


def remove(change: Change, group_id: str) -> None:
    """A group with its memberships and assignments."""
    assignments.drop(change.conn, actor_id=group_id)
    rows.delete(change.conn, models.group_members, group_id=group_id)
    rows.delete(change.conn, models.groups, id=group_id)


def add_member(group_id: str, user_id: str) -> None:
    """Adding somebody twice is no error.

    :raises IdentityNotFound: when there is no such group or user
    """
    with changes.writer() as change:
        keys = _need_both(change.conn, group_id, user_id)
        if rows.find(change.conn, models.group_members, **keys) is None:
            change.conn.execute(sa.insert(models.group_members).values(**keys))


def remove_member(group_id: str, user_id: str) -> None:
    """:raises IdentityNotFound: when the user isn't in the group"""
    with changes.writer() as change:
        keys = _need_both(change.conn, group_id, user_id)
        if not rows.delete(change.conn, models.group_members, **keys):
            raise _no_member(user_id)


def check_member(group_id: str, user_id: str) -> None:
    """:raises IdentityNotFound: when the user isn't in the group"""
    with engine.reader() as conn:
        keys = _need_both(conn, group_id, user_id)
        if rows.find(conn, models.group_members, **keys) is None:
            raise _no_member(user_id)


def _need_both(conn: Any, group_id: str, user_id: str) -> dict[str, str]:
    records.need(conn, records.GROUP, group_id)
    records.need(conn, records.USER, user_id)
    return {"group_id": group_id, "user_id": user_id}


def _no_member(user_id: str) -> exceptions.IdentityNotFound:
    return exceptions.IdentityNotFound(noun="user in the group", id=user_id)


def members(group_id: str) -> sa.ColumnElement[bool]:
    """The condition that a user is in the group."""
    table = models.group_members.c
    return models.users.c.id.in_(sa.select(table.user_id).where(table.group_id == group_id))


def of_user(user_id: str) -> sa.ColumnElement[bool]:
    """The condition that a group has the user."""
    table = models.group_members.c
    return models.groups.c.id.in_(sa.select(table.group_id).where(table.user_id == user_id))
