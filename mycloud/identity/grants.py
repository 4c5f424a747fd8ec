"""Giving roles and taking them back."""

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db import engine
from mycloud.db.identity import access, assignments
from mycloud.db.identity.rows import Row
from mycloud.identity import changes, records
from mycloud.identity.changes import Change

_TARGETS = {"project": records.PROJECT, "domain": records.DOMAIN}
_ACTORS = {"user": records.USER, "group": records.GROUP}


@dataclass(frozen=True)
class Place:
    """Who may have roles where. ``target_type``: project, domain or system; ``actor_type``: user
    or group; ``inherited``: on what lies below the target."""

    target_type: str
    target_id: str
    actor_type: str
    actor_id: str
    inherited: bool = False

    def values(self) -> dict[str, object]:
        return {
            "target_type": self.target_type,
            "target_id": self.target_id,
            "actor_id": self.actor_id,
            "inherited": self.inherited,
        }


def _need(conn: Connection, place: Place) -> Row | None:
    """The target's row (None: the system).

    :raises IdentityNotFound: when the target or the actor isn't there
    """
    records.need(conn, _ACTORS[place.actor_type], place.actor_id)
    kind = _TARGETS.get(place.target_type)
    return records.need(conn, kind, place.target_id) if kind else None


def add(place: Place, role_id: str) -> None:
    """Giving a role twice is no error.

    :raises IdentityNotFound: when the target, the actor or the role isn't there
    :raises Forbidden: for a role of another domain
    """
    with changes.writer() as change:
        target = _need(change.conn, place)
        role = records.need(change.conn, records.ROLE, role_id)
        if role["domain_id"]:
            _check_domain(place, role, target)
        values = {**place.values(), "actor_type": place.actor_type, "role_id": role_id}
        assignments.add(change.conn, values)


def _check_domain(place: Place, role: Row, target: Row | None) -> None:
    own = None
    if target is not None:
        own = target["id"] if place.target_type == "domain" else target["domain_id"]
    if role["domain_id"] != own:
        raise exceptions.Forbidden(
            f"Role {role['name']} belongs to a domain and holds nowhere else."
        )


def remove(place: Place, role_id: str) -> None:
    """Voids the tokens of those who have it.

    :raises IdentityNotFound: when the actor hasn't the role there
    """
    with changes.writer() as change:
        _need(change.conn, place)
        records.need(change.conn, records.ROLE, role_id)
        if not assignments.drop(change.conn, **place.values(), role_id=role_id):
            raise _no_grant(role_id)
        _revoke(change, place)


def _revoke(change: Change, place: Place) -> None:
    if place.actor_type != "user" or place.target_type == "system":
        # what the tokens of these may is looked up again, for the generation has moved
        return
    key = "project_id" if place.target_type == "project" else "domain_id"
    change.revoke(user_id=place.actor_id, **{key: place.target_id})


def check(place: Place, role_id: str) -> None:
    """:raises IdentityNotFound: when the actor hasn't the role there"""
    with engine.reader() as conn:
        _need(conn, place)
        records.need(conn, records.ROLE, role_id)
        if not assignments.matching(conn, **place.values(), role_id=role_id):
            raise _no_grant(role_id)


def listed(place: Place) -> list[Row]:
    """The roles that the actor was given there, without the implied ones.

    :raises IdentityNotFound: when the target or the actor isn't there
    """
    with engine.reader() as conn:
        _need(conn, place)
        ids = {row["role_id"] for row in assignments.matching(conn, **place.values())}
        found = [row for row in access.all_roles(conn) if row["id"] in ids]
        return sorted(found, key=lambda row: str(row["id"]))


def _no_grant(role_id: str) -> exceptions.IdentityNotFound:
    return exceptions.IdentityNotFound(noun="role assignment with role", id=role_id)
