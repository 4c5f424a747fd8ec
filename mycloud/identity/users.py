"""Users and their passwords."""

from collections.abc import Mapping
from typing import Any

from mycloud.common import clock, exceptions
from mycloud.db import engine, models
from mycloud.db.identity import access, assignments, login_failures, rows
from mycloud.db.identity.rows import Row
from mycloud.identity import changes, login, passwords, records
from mycloud.identity.changes import Change


def _hashed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the hash in the password's place. Hashing is slow: not in a transaction."""
    found = dict(values)
    if "password" in found:
        password = found.pop("password")
        found["password_hash"] = None if password is None else passwords.hash_password(password)
        found["password_created_at"] = clock.now()
    return found


def create(values: Mapping[str, Any]) -> Row:
    """``password`` may be missing: nobody logs in with it then.

    :raises IdentityNotFound: when the domain isn't there
    :raises NameTaken:
    """
    values = _hashed(values)
    with changes.writer() as change:
        records.need(change.conn, records.DOMAIN, values["domain_id"])
        return records.create(change, records.USER, values)


def update(user_id: str, values: Mapping[str, Any], extra: Mapping[str, Any]) -> Row:
    """A new password or being disabled voids the user's tokens.

    :raises IdentityNotFound:
    :raises NameTaken:
    """
    values = _hashed(values)
    with changes.writer() as change:
        row = records.need(change.conn, records.USER, user_id)
        if "password_hash" in values or (row["enabled"] and values.get("enabled") is False):
            change.revoke(user_id=user_id)
        if "password_hash" in values or values.get("enabled"):
            login_failures.clear(change.conn, user_id)
        whole = {**values, "extra": records.merged_extra(row, extra)}
        return records.update(change, records.USER, row, whole)


def change_password(user_id: str, old: str, new: str) -> None:
    """For the user, who proves it with the old password; voids the user's tokens.

    :raises LoginFailed: when the old password is wrong, or there is no such user
    """
    with engine.reader() as conn:
        user = access.user(conn, user_id)
    login.check_password(user, old)
    if old == new:
        raise exceptions.BadField(
            field="password", reason="the new password is the old one"
        )
    update(user_id, {"password": new}, {})


def delete(user_id: str) -> None:
    """:raises IdentityNotFound:"""
    with changes.writer() as change:
        records.need(change.conn, records.USER, user_id)
        remove(change, user_id)


def remove(change: Change, user_id: str) -> None:
    """A user with all that is the user's own."""
    conn = change.conn
    assignments.drop(conn, actor_id=user_id)
    login_failures.clear(conn, user_id)
    for table in (
        models.group_members,
        models.application_credentials,
        models.access_rules,
        models.credentials,
    ):
        rows.delete(conn, table, user_id=user_id)
    rows.delete(conn, models.users, id=user_id)
