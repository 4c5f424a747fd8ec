"""How often in a row somebody's password was wrong."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import clock
from mycloud.db.models import login_failures


def add(conn: Connection, user_id: str) -> None:
    now = clock.now()
    done = conn.execute(
        sa.update(login_failures)
        .where(login_failures.c.user_id == user_id)
        .values(count=login_failures.c.count + 1, last_at=now)
    )
    if not done.rowcount:
        conn.execute(sa.insert(login_failures).values(user_id=user_id, count=1, last_at=now))


def clear(conn: Connection, user_id: str) -> None:
    conn.execute(sa.delete(login_failures).where(login_failures.c.user_id == user_id))
