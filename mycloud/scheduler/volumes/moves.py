"""Whether a volume that gets another type, or is to go elsewhere, has to move at all."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock
from mycloud.common.states import Op, StepState
from mycloud.db import journal, settle
from mycloud.scheduler.volumes import filters
from mycloud.scheduler.volumes.pool_state import PoolState, Request

Row = Mapping[str, Any]

_RETYPE = "volume.retype"


def stays(row: Row, volume: Row, pools: Sequence[PoolState], request: Request) -> bool:
    """Whether the place where it lies has what its new type asks for."""
    if row["kind"] != _RETYPE:
        return False
    return any(
        pool.place == volume["host"] and not filters.lacks(pool, request) for pool in pools
    )


def refusal(
    row: Row, volume: Row, pools: Sequence[PoolState], request: Request
) -> str | None:
    """Why the operation comes to nothing, if it does."""
    if volume["operation_id"] != row["id"]:
        return "Something else was done to the volume meanwhile."
    why = row["payload"].get("must_stay")
    if not why or stays(row, volume, pools, request):
        return None
    lacking = [
        each
        for pool in pools
        if pool.place == volume["host"]
        for each in filters.unmet(pool, request)
    ]
    asked = f" ({', '.join(lacking)})" if lacking else ""
    return (
        f"The storage where the volume lies does not have what its new type asks for{asked}, and "
        f"it can't be moved: {why}."
    )


def stay(conn: Connection, row: Row, step: dict[str, Any]) -> list[dict[str, Any]]:
    """Let it lie; only the record changes, and the bounds of the guest's disk if it is in use.
    Returns the bells to ring."""
    detail = "it has what the new type asks for where it lies"
    journal.insert_step(conn, row["id"], {**step, "state": StepState.DONE, "detail": detail})
    now = clock.now()
    compute = row["payload"].get("compute_host")
    if compute is not None and "iotune" in row["payload"]:
        to = {"topic": "compute", "host": compute, "rung_at": now, "updated_at": now}
        payload = {**row["payload"], "turn": row["payload"]["server_id"]}
        journal.readdress(conn, row["id"], {**to, "payload": payload, "attempt": 1})
        return [settle.bell(row, topic="compute", host=compute)]
    journal.move(conn, row["id"], [Op.PENDING], {"state": Op.RUNNING, "started_at": now})
    return settle.close(conn, {**row, "state": Op.RUNNING}, Op.SUCCEEDED, {}, now)
