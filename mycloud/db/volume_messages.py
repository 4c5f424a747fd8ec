"""Messages: why something that was accepted failed later, for the user who asked."""

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import clock
from mycloud.db.models import volume_messages as messages

Row = Mapping[str, Any]

#: Days for which a message is kept.
KEPT_DAYS = 30
#: The API's names of what a message is about.
_TYPES = {"volume": "VOLUME", "snapshot": "VOLUME_SNAPSHOT", "backup": "VOLUME_BACKUP"}
_UNKNOWN = "VOLUME_VOLUME_000_000"


def add(conn: Connection, about: Mapping[str, Any], message: str) -> None:
    """Keep a message. ``about``: project_id, request_id, resource_type (volume, snapshot or
    backup), resource_id and maybe event_id."""
    now = clock.now()
    conn.execute(
        sa.insert(messages).values(
            id=clock.new_id(),
            project_id=about["project_id"],
            request_id=about["request_id"],
            resource_type=_TYPES[about["resource_type"]],
            resource_id=about["resource_id"],
            event_id=about.get("event_id") or _UNKNOWN,
            message=message,
            expires_at=now + datetime.timedelta(days=KEPT_DAYS),
            created_at=now,
            updated_at=None,
        )
    )


def add_failure(
    conn: Connection, operation: Row, fault: Mapping[str, Any] | None, now: datetime.datetime
) -> None:
    """Tell the project of an operation that it failed, and why in plain words."""
    reason = (fault or {}).get("message") or "It did not end in time."
    add(conn, dict(operation), f"{operation['kind'].replace('.', ' ')} failed: {reason}")
