"""End an operation that can be placed nowhere."""

import datetime
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.states import StepState
from mycloud.db import journal, settle

Row = Mapping[str, Any]


def refuse(
    conn: Connection, row: Row, step: dict[str, Any], error: exceptions.MycloudError
) -> list[dict[str, Any]]:
    """Journal why, and end a locked operation for good; returns the bells to ring."""
    journal.insert_step(
        conn, row["id"], {**step, "state": StepState.FAILED, "detail": error.message}
    )
    return settle.fail(
        conn,
        row,
        {"code": error.code, "status": error.status, "message": error.message, "final": True},
        clock.now(),
    )


def age(row: Row, now: datetime.datetime) -> float:
    """Seconds since an operation was accepted."""
    found: float = (now - row["created_at"]).total_seconds()
    return found
