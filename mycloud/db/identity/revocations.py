"""The generation of all identities, and the tokens that were declared void."""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import clock
from mycloud.db.identity.rows import Row
from mycloud.db.models import identity_generation, revocations

_ONLY = 1
# every login asks this: as plain text it costs half of what a built statement does
_GENERATION = "SELECT generation FROM identity_generation"


def generation(conn: Connection) -> int:
    """A number that every change of identities counts up."""
    return conn.exec_driver_sql(_GENERATION).scalar() or 0


def bump(conn: Connection) -> int:
    """Count up. The row's lock makes writers of identities wait for each other, so what a writer
    checks after this still holds when it commits."""
    done = conn.execute(
        sa.update(identity_generation)
        .where(identity_generation.c.id == _ONLY)
        .values(generation=identity_generation.c.generation + 1)
    )
    if not done.rowcount:
        conn.execute(sa.insert(identity_generation).values(id=_ONLY, generation=1))
    return generation(conn)


def add(conn: Connection, at_generation: int, **match: Any) -> None:
    """Void the tokens issued until now that match all of ``match``: audit_id, user_id,
    project_id, domain_id."""
    now = clock.now()
    conn.execute(
        sa.insert(revocations).values(
            id=clock.new_id(),
            issued_before=now,
            revoked_at=now,
            generation=at_generation,
            **match,
        )
    )


def since(conn: Connection, seen: int) -> list[Row]:
    """What was revoked after generation ``seen``."""
    query = sa.select(revocations).where(revocations.c.generation > seen)
    return list(conn.execute(query).mappings())


def purge(conn: Connection, before: datetime.datetime) -> None:
    """Forget revocations from before that time: their tokens have expired by now."""
    conn.execute(sa.delete(revocations).where(revocations.c.revoked_at < before))
