"""Application credentials: a program's own way in, for one project and some of its owner's
roles."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mycloud.common import clock, exceptions
from mycloud.db import engine, models
from mycloud.db.identity import access, rows
from mycloud.db.identity.rows import Row
from mycloud.identity import changes, passwords, records
from mycloud.identity.changes import Change
from mycloud.identity.subjects import Subject

_RULE_KEYS = ("service", "method", "path")


@dataclass(frozen=True)
class Made:
    """A new application credential, with the secret that is shown this once."""

    row: Row
    secret: str


def create(owner: Subject, wanted: Mapping[str, Any]) -> Made:
    """For the owner, in the project of the owner's token. ``wanted``: the checked body; roles are
    [{id} or {name}], none means all that the token has.

    :raises Forbidden: when the token is of no project, or of an application credential that is
        restricted
    :raises BadField: for a role that the token hasn't, or an expiry in the past
    :raises NameTaken:
    """
    check_unrestricted(owner)
    if owner.scope.kind != "project":
        raise exceptions.Forbidden("An application credential needs a token of a project.")
    expires_at = wanted.get("expires_at")
    if expires_at is not None and expires_at <= clock.now():
        raise exceptions.BadField(field="expires_at", reason="it is in the past")
    secret, hashed = _secret(wanted.get("secret"))
    with changes.writer() as change:
        rules = wanted.get("access_rules") or ()
        values = {
            "user_id": owner.user.id,
            "project_id": owner.scope.id,
            "name": wanted["name"],
            "description": wanted.get("description"),
            "secret_hash": hashed,
            "roles": _roles(owner, wanted.get("roles")),
            # as in keystone an empty list restricts nothing; the openstack command sends one
            "access_rules": _rules(change, owner.user.id, rules) or None,
            "unrestricted": wanted.get("unrestricted", False),
            "expires_at": expires_at,
        }
        return Made(records.create(change, records.APP_CREDENTIAL, values), secret)


def check_unrestricted(subject: Subject) -> None:
    """:raises Forbidden: when the caller came with a restricted application credential"""
    if subject.app_credential is not None and subject.app_credential.restricted:
        raise exceptions.Forbidden(
            "This application credential is restricted: it can't make or delete others."
        )


def _secret(given: str | None) -> tuple[str, str]:
    """(secret, hash). A given one may be weak, so its hash is a slow one."""
    if given is not None:
        return given, passwords.hash_password(given)
    made = passwords.new_secret()
    return made, passwords.hash_new_secret(made)


def _roles(owner: Subject, wanted: Iterable[Mapping[str, Any]] | None) -> list[str]:
    if not wanted:
        return [role.id for role in owner.roles]
    found = []
    for ref in wanted:
        for role in owner.roles:
            if ref.get("id", role.id) == role.id and ref.get("name", role.name) == role.name:
                found.append(role.id)
                break
        else:
            raise exceptions.BadField(
                field="roles",
                reason=f"you don't have the role {ref.get('name') or ref.get('id')} in the "
                "project",
            )
    return sorted(set(found))


def _rules(
    change: Change, user_id: str, wanted: Iterable[Mapping[str, str]]
) -> list[dict[str, str]]:
    """The rules with their ids; one that the user has had already is used again."""
    found = []
    for rule in wanted:
        if "id" in rule:
            row = rows.find(change.conn, models.access_rules, id=rule["id"], user_id=user_id)
            if row is None:
                raise exceptions.BadField(
                    field="access_rules", reason=f"there is no access rule {rule['id']}"
                )
        else:
            own = {"user_id": user_id, **{key: rule[key] for key in _RULE_KEYS}}
            row = rows.find(change.conn, models.access_rules, **own)
            if row is None:
                own["id"] = clock.new_hex_id()
                change.conn.execute(sa.insert(models.access_rules).values(**own))
                row = own
        found.append({key: row[key] for key in ("id", *_RULE_KEYS)})
    return found


def get(user_id: str, credential_id: str) -> Row:
    """:raises IdentityNotFound: when the user has none with that id"""
    with engine.reader() as conn:
        row = rows.find(
            conn, models.application_credentials, id=credential_id, user_id=user_id
        )
    if row is None:
        raise exceptions.IdentityNotFound(noun=records.APP_CREDENTIAL.noun, id=credential_id)
    return row


def delete(user_id: str, credential_id: str) -> None:
    """Its tokens are void.

    :raises IdentityNotFound: when the user has none with that id
    """
    with changes.writer() as change:
        if not rows.delete(
            change.conn, models.application_credentials, id=credential_id, user_id=user_id
        ):
            raise exceptions.IdentityNotFound(
                noun=records.APP_CREDENTIAL.noun, id=credential_id
            )


def role_rows() -> dict[str, Row]:
    """All roles by id, for views."""
    with engine.reader() as conn:
        return {row["id"]: row for row in access.all_roles(conn)}


# -- access rules ------------------------------------------------------------------------------


def rule(user_id: str, rule_id: str) -> Row:
    """:raises IdentityNotFound: when the user has none with that id"""
    with engine.reader() as conn:
        row = rows.find(conn, models.access_rules, id=rule_id, user_id=user_id)
    if row is None:
        raise exceptions.IdentityNotFound(noun=records.ACCESS_RULE.noun, id=rule_id)
    return row


def delete_rule(user_id: str, rule_id: str) -> None:
    """:raises StillInUse: when an application credential has it"""
    rule(user_id, rule_id)
    with changes.writer() as change:
        table = models.application_credentials
        query = sa.select(table.c.access_rules).where(table.c.user_id == user_id)
        for rules in change.conn.execute(query).scalars():
            if any(used["id"] == rule_id for used in rules or ()):
                raise exceptions.StillInUse(
                    noun="access rule",
                    id=rule_id,
                    reason="an application credential has it; delete that first.",
                )
        rows.delete(change.conn, models.access_rules, id=rule_id, user_id=user_id)
