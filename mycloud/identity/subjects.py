"""Subjects: a user in a scope, with names and roles, as tokens and requests need it."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.db.identity import access, revocations
from mycloud.db.identity.rows import Row
from mycloud.identity import knowledge
from mycloud.identity.tokens import DOMAIN, PROJECT, SYSTEM, Scope


@dataclass(frozen=True, slots=True)
class Named:
    """Something with an id and a name, in a domain or not."""

    id: str
    name: str
    domain_id: str = ""
    domain_name: str = ""


@dataclass(frozen=True, slots=True)
class AppCredential:
    """The application credential that a token was made with."""

    id: str
    name: str
    restricted: bool
    access_rules: tuple[dict[str, str], ...] | None
    expires_at: datetime.datetime | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A user in a scope. ``target`` is the project or domain; ``roles`` hold implied ones."""

    user: Named
    password_expires_at: datetime.datetime | None
    scope: Scope
    target: Named | None
    roles: tuple[Named, ...]
    app_credential: AppCredential | None = None

    @property
    def role_names(self) -> list[str]:
        return [role.name for role in self.roles]

    @property
    def domain_ids(self) -> set[str]:
        """Of the user and the scope; a disabled one voids the tokens."""
        found = {self.user.domain_id}
        if self.scope.kind == DOMAIN:
            found.add(self.scope.id)
        elif self.target is not None:
            found.add(self.target.domain_id)
        return found


def resolve(user_id: str, scope: Scope, app_credential_id: str | None = None) -> Subject:
    """The subject, from memory where it holds.

    :raises NotAuthenticated: when the user, the scope or the application credential is gone or
        disabled, or there is no role in the scope
    """
    key = ("subject", user_id, scope, app_credential_id)
    return knowledge.get().of(key, lambda conn: _load(conn, user_id, scope, app_credential_id))


def _load(conn: Connection, user_id: str, scope: Scope, app_credential_id: str | None) -> Subject:
    user = access.user(conn, user_id)
    if user is None or not user["enabled"] or not user["domain_enabled"]:
        raise exceptions.TokenInvalid()
    target, role_ids = _target(conn, user_id, scope)
    credential = None
    if app_credential_id is not None:
        row = access.application_credential(conn, app_credential_id)
        if row is None or row["user_id"] != user_id:
            raise exceptions.TokenInvalid()
        credential = _app_credential(row)
        role_ids &= expand(conn, row["roles"])
    if scope.kind and not role_ids:
        raise exceptions.TokenInvalid("The user has no role in the requested scope.")
    return Subject(
        user=Named(user["id"], user["name"], user["domain_id"], user["domain_name"]),
        password_expires_at=user["password_expires_at"],
        scope=scope,
        target=target,
        roles=global_roles(conn, role_ids),
        app_credential=credential,
    )


def _target(conn: Connection, user_id: str, scope: Scope) -> tuple[Named | None, set[str]]:
    """The project or domain of a scope, and the ids of the roles there, implied ones too."""
    if scope.kind == PROJECT:
        row = access.project(conn, scope.id)
        if row is None or not row["enabled"] or not row["domain_enabled"]:
            raise exceptions.TokenInvalid("The project does not exist or is disabled.")
        target = Named(row["id"], row["name"], row["domain_id"], row["domain_name"])
        above = [row["domain_id"], *access.parents(conn, row["parent_id"])]
        direct = access.direct_roles(conn, user_id, PROJECT, scope.id, above)
        return target, expand(conn, direct)
    if scope.kind == DOMAIN:
        row = access.domain(conn, {"id": scope.id})
        if row is None or not row["enabled"]:
            raise exceptions.TokenInvalid("The domain does not exist or is disabled.")
        direct = access.direct_roles(conn, user_id, DOMAIN, scope.id)
        return Named(row["id"], row["name"]), expand(conn, direct)
    if scope.kind == SYSTEM:
        direct = access.direct_roles(conn, user_id, SYSTEM, access.SYSTEM)
        return None, expand(conn, direct)
    return None, set()


def _app_credential(row: Row) -> AppCredential:
    expires_at = row["expires_at"]
    if expires_at is not None and expires_at <= clock.now():
        raise exceptions.TokenInvalid("The application credential has expired.")
    rules = row["access_rules"]
    return AppCredential(
        id=row["id"],
        name=row["name"],
        restricted=not row["unrestricted"],
        access_rules=None if rules is None else tuple(rules),
        expires_at=expires_at,
    )


def _inferences(conn: Connection) -> dict[str, list[str]]:
    def load(_: Connection) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for prior, implied in access.inferences(conn):
            found.setdefault(prior, []).append(implied)
        return found

    return _known(conn, "inferences", load)


def _roles(conn: Connection) -> dict[str, Any]:
    return _known(conn, "roles", lambda _: {row["id"]: row for row in access.all_roles(conn)})


def _known(conn: Connection, key: str, load: Any) -> Any:
    """Like Knowledge.of, inside a transaction that is open already."""
    memory = knowledge.get()
    fact = memory.recall(key)
    if fact is None:
        generation = revocations.generation(conn)
        fact = load(conn)
        memory.remember(key, fact, generation)
    return fact


def expand(conn: Connection, role_ids: Iterable[str]) -> set[str]:
    """The ids with all that they imply, however far."""
    inferences = _inferences(conn)
    found: set[str] = set()
    waiting = list(role_ids)
    while waiting:
        role_id = waiting.pop()
        if role_id not in found:
            found.add(role_id)
            waiting += inferences.get(role_id, ())
    return found


def global_roles(conn: Connection, role_ids: Iterable[str]) -> tuple[Named, ...]:
    """Those of the roles that tokens show: a domain's own count only by what they imply."""
    rows = _roles(conn)
    found = [
        Named(role_id, rows[role_id]["name"])
        for role_id in role_ids
        if role_id in rows and not rows[role_id]["domain_id"]
    ]
    return tuple(sorted(found, key=lambda role: role.name))
