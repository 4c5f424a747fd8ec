"""The only way to write identities: ``writer()``.

It counts the generation up in the same transaction, by which every API process learns that what
it remembers of users, roles and tokens is to be looked up again.
"""

import contextlib
import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.db import engine
from mycloud.db.identity import revocations
from mycloud.identity import knowledge


@dataclass(frozen=True)
class Change:
    """A transaction under way, with its generation."""

    conn: Connection
    generation: int

    def revoke(self, **match: Any) -> None:
        """Void the tokens issued until now that match all of: audit_id, user_id, project_id,
        domain_id."""
        lifetime = datetime.timedelta(seconds=cfg.CONF.identity.token_expiration)
        revocations.purge(self.conn, clock.now() - 2 * lifetime)
        revocations.add(self.conn, self.generation, **match)


@contextlib.contextmanager
def writer() -> Iterator[Change]:
    """A transaction that changes identities; writers wait for each other.

    :raises Conflict: when two writers made the same thing at the same time
    """
    try:
        with engine.writer() as conn:
            yield Change(conn, revocations.bump(conn))
    except db_exc.DBDuplicateEntry as error:
        raise exceptions.Conflict(reason="the same thing was made a moment ago") from error
    knowledge.outdated()
