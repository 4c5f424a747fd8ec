"""How moves of volumes from one backend to another end.

The record changes over in the transaction that ends the move. What it does not point at then is
removed by an operation of its own, which goes on until that is done: so the record never points at
what is gone, and nothing is left for ever.
"""

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import clock
from mycloud.common.states import DISCARD, Migration, Op
from mycloud.db import journal, live, volume_pools
from mycloud.db.models import services, volumes
from mycloud.db.models import volume_attachments as attachments

Row = Mapping[str, Any]

#: What a host says of its guest's disk once it has tried to change it over.
GUEST, HAS_OLD, HAS_NEW = "guest", "old", "new"
#: What changed of the attachment by which the guest has the volume; its id among it.
ATTACHMENT = "attachment"
#: Seconds before what could not be removed is tried again: the first time, and at most.
_PAUSE, _LONGEST_PAUSE = 60, 3600


def settle(
    conn: Connection, operation: Row, row: Row, outcome: Op, changes: dict[str, Any]
) -> tuple[dict[str, Any], list[Row]]:
    """What the end of a move or a retype makes of the volume's columns, and the operations that
    remove what is left. Takes GUEST and ATTACHMENT out of ``changes``."""
    payload = operation["payload"]
    guest, attachment = changes.pop(GUEST, None), changes.pop(ATTACHMENT, None)
    mine = row["operation_id"] == operation["id"]
    values: dict[str, Any] = {}
    if outcome is Op.SUCCEEDED and "new_type" in payload:
        values |= payload["new_type"]
    if "to" not in payload:
        if outcome is not Op.SUCCEEDED and operation["kind"] == "volume.migrate":
            values["migration_status"] = Migration.ERROR
        return values, []
    # the record follows the guest, whatever else has become of the operation
    moved = guest == HAS_NEW or (guest is None and outcome is Op.SUCCEEDED and mine)
    values |= {
        "moves_to": None, "migration_status": Migration.SUCCESS if moved else Migration.ERROR
    }
    if moved:
        _move(conn, operation, row, attachment)
    else:
        volume_pools.release(conn, payload["to"], row["size_gb"])
    return values, _discards(conn, operation, row, moved=moved)


def _move(conn: Connection, operation: Row, row: Row, attachment: dict[str, Any] | None) -> None:
    now, place = clock.now(), operation["payload"]["to"]
    query = sa.select(services.c.availability_zone).where(
        services.c.host == volume_pools.split(place)[0], services.c.topic == "volume"
    )
    there = {"host": place, "name_id": operation["id"], "updated_at": now}
    zone = conn.execute(query).scalar()
    if zone is not None:
        there["availability_zone"] = zone
    live.update(conn, volumes, row["id"], there, {})
    volume_pools.release(conn, row["host"], row["size_gb"])
    if attachment:
        columns = {name: value for name, value in attachment.items() if name != "id"}
        live.update(conn, attachments, attachment["id"], {**columns, "updated_at": now}, {})


def _discards(conn: Connection, operation: Row, row: Row, *, moved: bool) -> list[Row]:
    """Operations that remove the bytes and the exports of the place where it does not lie; where
    it could not be copied, also the copy's export where it does."""
    exports = [each for each in (operation["payload"].get("attachment_id"),) if each]
    old = (row["host"], row["name_id"] or row["id"])
    new = (operation["payload"]["to"], operation["id"])
    if moved:
        wanted = [(*old, [*exports, operation["id"]])]
    else:
        wanted = [(*new, exports)]
        if not exports:
            wanted.append((old[0], None, [operation["id"]]))
    return [
        _discard(conn, operation, place, {"name": name, "exports": keys})
        for place, name, keys in wanted
    ]


def _discard(
    conn: Connection, first: Row, place: str, payload: dict[str, Any], *, pause: float = 0
) -> Row:
    now = clock.now()
    about = {
        "resource_type": "volume",
        "resource_id": first["resource_id"],
        "project_id": first["project_id"],
        "topic": "volume",
        "host": volume_pools.split(place)[0],
        "payload": payload,
        "rung_at": now + datetime.timedelta(seconds=pause),
        # a backend may be away for long
        "deadline_at": None,
    }
    row = journal.follow_up(first, DISCARD, about, now)
    journal.insert(conn, row)
    return row


def discarded(
    conn: Connection, operation: Row, outcome: Op, now: datetime.datetime
) -> list[Row]:
    """What could not be removed is tried again after a while, by another operation."""
    if outcome is not Op.SUCCEEDED:
        tries = operation["payload"].get("tries", 0) + 1
        pause = min(_PAUSE * 2 ** (tries - 1), _LONGEST_PAUSE)
        payload = {**operation["payload"], "tries": tries}
        # rung by the sweeper once its time has come, or found by the service when it starts
        _discard(conn, operation, operation["host"], payload, pause=pause)
    return []
