"""Ring again for the open operations of services, as the sweeper does sooner or later."""

from collections.abc import Sequence

from mycloud.common import clock
from mycloud.common.context import RequestContext
from mycloud.common.states import Op
from mycloud.db import engine, journal, settle
from mycloud.db.services import Row
from mycloud.journal import rpcapi as doorbell
from mycloud.volume.requests import services


def ring_again(
    context: RequestContext,
    rows: Sequence[Row],
    *,
    resource: tuple[str | None, str | None] = (None, None),
) -> tuple[list[Row], list[Row]]:
    """The services that were rung for what waits for them, and those that are down.

    What a service that is down was about to do waits until it is back, and what it was doing is
    handed over by the sweeper then. ``resource``: the kind and the id, to ring for that only.
    """
    now = clock.now()
    reached = [row for row in rows if services.is_up(row, now)]
    places = {(row["topic"], row["host"]) for row in reached}
    with engine.reader() as conn:
        waiting = [
            row
            for row in journal.in_state(conn, Op.PENDING)
            if (row["topic"], row["host"]) in places and _is_about(row, *resource)
        ]
    for operation in waiting:
        doorbell.ring(context, settle.bell(operation))
    return reached, [row for row in rows if row not in reached]


def _is_about(operation: Row, kind: str | None, resource_id: str | None) -> bool:
    return kind in (None, operation["resource_type"]) and resource_id in (
        None,
        operation["resource_id"],
    )
