"""What a user can get tokens for."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.db import engine
from mycloud.db.identity import access
from mycloud.db.identity.rows import Row
from mycloud.db.models import domains
from mycloud.db.models import projects as projects_table


def projects(user_id: str) -> list[Row]:
    """The enabled projects in which the user has a role, in a bounded number of statements."""
    with engine.reader() as conn:
        assigned = access.all_assignments_of(conn, user_id)
        direct = {
            row["target_id"]
            for row in assigned
            if row["target_type"] == "project" and not row["inherited"]
        }
        below = {row["target_id"] for row in assigned if row["inherited"]}
        table = projects_table.c
        found = direct | _descendants(conn, below)
        query = (
            sa.select(projects_table)
            .join(domains, domains.c.id == table.domain_id)
            .where(
                sa.or_(table.id.in_(found), table.domain_id.in_(below)),
                table.enabled.is_(True),
                domains.c.enabled.is_(True),
            )
            .order_by(table.id)
        )
        return list(conn.execute(query).mappings())


def _descendants(conn: Connection, above: Iterable[str]) -> set[str]:
    """Ids of the projects below the given ones, level by level."""
    found: set[str] = set()
    level = set(above)
    while level:
        query = sa.select(projects_table.c.id).where(projects_table.c.parent_id.in_(level))
        level = set(conn.execute(query).scalars()) - found
        found |= level
    return found


def domains_of(user_id: str) -> list[Row]:
    """The enabled domains on which the user has a role."""
    with engine.reader() as conn:
        found = {
            row["target_id"]
            for row in access.all_assignments_of(conn, user_id)
            if row["target_type"] == "domain" and not row["inherited"]
        }
        query = (
            sa.select(domains)
            .where(domains.c.id.in_(found), domains.c.enabled.is_(True))
            .order_by(domains.c.id)
        )
        return list(conn.execute(query).mappings())


def system(user_id: str) -> bool:
    """Whether the user has a role on the system."""
    with engine.reader() as conn:
        return any(
            row["target_type"] == "system" for row in access.all_assignments_of(conn, user_id)
        )
