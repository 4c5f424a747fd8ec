"""Who somebody is and what they may: the reads behind every new token."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.db.identity.rows import Row
from mycloud.db.models import (
    application_credentials,
    domains,
    group_members,
    implied_roles,
    login_failures,
    projects,
    role_assignments,
    roles,
    users,
)

SYSTEM = "system"
_MAX_DEPTH = 32

_user = sa.select(
    users,
    domains.c.name.label("domain_name"),
    domains.c.enabled.label("domain_enabled"),
    login_failures.c.count.label("failures"),
    login_failures.c.last_at.label("failed_at"),
).select_from(
    users.join(domains, domains.c.id == users.c.domain_id).outerjoin(
        login_failures, login_failures.c.user_id == users.c.id
    )
)
_project = sa.select(
    projects,
    domains.c.name.label("domain_name"),
    domains.c.enabled.label("domain_enabled"),
).select_from(projects.join(domains, domains.c.id == projects.c.domain_id))


def user(conn: Connection, user_id: str) -> Row | None:
    """A user with the domain's name and state and the failed logins."""
    return conn.execute(_user.where(users.c.id == user_id)).mappings().first()


def user_named(conn: Connection, name: str, domain: dict[str, str]) -> Row | None:
    """As ``user``; ``domain`` has an id or a name."""
    query = _user.where(users.c.name == name, *_in_domain(users, domain))
    return conn.execute(query).mappings().first()


def project(conn: Connection, project_id: str) -> Row | None:
    """A project with the domain's name and state."""
    return conn.execute(_project.where(projects.c.id == project_id)).mappings().first()


def project_named(conn: Connection, name: str, domain: dict[str, str]) -> Row | None:
    query = _project.where(projects.c.name == name, *_in_domain(projects, domain))
    return conn.execute(query).mappings().first()


def _in_domain(table: sa.Table, domain: dict[str, str]) -> list[sa.ColumnElement[bool]]:
    found = []
    if "id" in domain:
        found.append(table.c.domain_id == domain["id"])
    if "name" in domain:
        found.append(domains.c.name == domain["name"])
    return found


def domain(conn: Connection, ref: dict[str, str]) -> Row | None:
    """A domain by id or name."""
    query = sa.select(domains).where(*(domains.c[key] == ref[key] for key in ref))
    return conn.execute(query).mappings().first()


def parents(conn: Connection, parent_id: str | None) -> list[str]:
    """The ids of the projects above, the nearest first."""
    found: list[str] = []
    while parent_id and parent_id not in found and len(found) < _MAX_DEPTH:
        found.append(parent_id)
        parent_id = conn.execute(
            sa.select(projects.c.parent_id).where(projects.c.id == parent_id)
        ).scalar()
    return found


def _actors(user_id: str) -> sa.ColumnElement[bool]:
    groups = sa.select(group_members.c.group_id).where(group_members.c.user_id == user_id)
    return sa.or_(
        role_assignments.c.actor_id == user_id, role_assignments.c.actor_id.in_(groups)
    )


def direct_roles(
    conn: Connection, user_id: str, kind: str, target_id: str, above: Iterable[str] = ()
) -> set[str]:
    """Ids of the roles that a user has on a target, by itself or by its groups, there or
    inherited from the ids ``above``; implied ones are not in it."""
    table = role_assignments.c
    here = sa.and_(
        table.target_type == kind, table.target_id == target_id, table.inherited.is_(False)
    )
    above = list(above)
    if above:
        here = sa.or_(here, sa.and_(table.target_id.in_(above), table.inherited.is_(True)))
    query = sa.select(table.role_id).where(_actors(user_id), here)
    return set(conn.execute(query).scalars())


def all_assignments_of(conn: Connection, user_id: str) -> list[Row]:
    """Every assignment of a user or its groups."""
    query = sa.select(role_assignments).where(_actors(user_id))
    return list(conn.execute(query).mappings())


def all_roles(conn: Connection) -> list[Row]:
    return list(conn.execute(sa.select(roles)).mappings())


def inferences(conn: Connection) -> list[tuple[str, str]]:
    """(prior role, implied role) pairs of ids."""
    return [(prior, implied) for prior, implied in conn.execute(sa.select(implied_roles))]


def application_credential(conn: Connection, credential_id: str) -> Row | None:
    query = sa.select(application_credentials).where(
        application_credentials.c.id == credential_id
    )
    return conn.execute(query).mappings().first()


def application_credential_named(conn: Connection, name: str, user_id: str) -> Row | None:
    query = sa.select(application_credentials).where(
        application_credentials.c.name == name, application_credentials.c.user_id == user_id
    )
    return conn.execute(query).mappings().first()
