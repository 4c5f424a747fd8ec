"""Put an operation on a volume, a snapshot or a backup into the journal: the one transaction of
a request.

The status moves by compare and swap in the same transaction. What does not allow it is refused
with 400, as block storage's API has it; where another operation is at work the message names it.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions, states
from mycloud.common.context import RequestContext
from mycloud.db import backups, engine, journal, services, snapshots, volume_pools, volumes
from mycloud.journal import submit as journal_submit
from mycloud.journal.submit import New
from mycloud.scheduler.rpcapi import TOPIC as SCHEDULER
from mycloud.volume import rpcapi
from mycloud.volume.requests import services as service_requests

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Noun:
    """What operations are about.

    ``place``: the ``host`` of the volume whose service does it. ``refusal``: the error of a status
    that does not fit. ``topic``: which services do it.
    """

    type: str
    get: Callable[..., Row]
    update: Callable[..., bool]
    transitions: Mapping[str, states.StatusTransition]
    refusal: type[exceptions.MycloudError]
    place: Callable[[Connection, Row], str | None]
    topic: str = rpcapi.TOPIC


def _of_volume(conn: Connection, row: Row) -> str | None:
    place: str | None = volumes.get(conn, row["volume_id"], deleted=True)["host"]
    return place


VOLUME = Noun(
    "volume", volumes.get, volumes.update, states.VOLUME, exceptions.InvalidVolume,
    lambda conn, row: row["host"],
)
#: ... whose operation begins with a choice of the scheduler.
UNPLACED = dataclasses.replace(VOLUME, place=lambda conn, row: None, topic=SCHEDULER)
SNAPSHOT = Noun(
    "snapshot", snapshots.get, snapshots.update, states.SNAPSHOT, exceptions.InvalidSnapshot,
    _of_volume,
)


def _of_repository(conn: Connection, row: Row) -> str | None:
    """The service that has made a backup, or another one that lives: they share the repository."""
    now = clock.now()
    up = [
        service["host"]
        for service in services.every(conn, binary=service_requests.BINARY)
        if service_requests.is_up(service, now)
    ]
    place: str | None = row["host"]
    return place if place in up or not up else up[0]


BACKUP = Noun(
    "backup", backups.get, backups.update, states.BACKUP, exceptions.InvalidBackup,
    _of_repository,
)


def operation(
    context: RequestContext, kind: str, row: Row, *, place: str | None,
    topic: str = rpcapi.TOPIC, **more: Any,
) -> dict[str, Any]:
    """The row of a pending operation on a noun's row, for the service of a volume's ``host``."""
    return journal_submit.operation(
        context,
        kind,
        (kind.partition(".")[0], row["id"]),
        topic=topic,
        host=volume_pools.split(place)[0] if place else None,
        # the journal of the resource's project, whoever asks
        project_id=row["project_id"],
        **more,
    )


@journal_submit.once_per_key
@engine.retried
def submit(
    context: RequestContext, noun: Noun, row: Row, new: New, *, key: str | None = None
) -> str:
    """Start an operation on a row that was read outside of a transaction; returns its id.

    :raises MycloudError: the noun's refusal, when the status does not allow it
    """
    asked = new.digest(row["id"])
    scoped = journal_submit.scoped_key(context, key)
    with engine.writer() as conn:
        done = journal_submit.replay(conn, scoped, asked)
        if done is not None:
            found: str = done["id"]
            return found
        made = operation(
            context,
            new.kind,
            row,
            place=noun.place(conn, row),
            topic=noun.topic,
            # of snapshots and backups: what is done to them is told of their volume, too
            second_id=row.get("volume_id"),
            payload=new.payload,
            idempotency_key=scoped,
            idempotency_digest=asked if scoped else None,
        )
        begin(conn, noun, row["id"], made)
        if new.along is not None:
            new.along(conn)
    journal_submit.ring(context, made)
    operation_id: str = made["id"]
    return operation_id


def begin(
    conn: Connection, noun: Noun, row_id: str, made: dict[str, Any], **also: Any
) -> None:
    """Move the status of a row and write its operation, in this transaction. ``also``: further
    columns of the row.

    :raises MycloudError: the noun's refusal, when the status does not allow it
    """
    move(conn, noun, row_id, made, **also)
    journal.insert(conn, made)


def move(
    conn: Connection, noun: Noun, row_id: str, made: Mapping[str, Any], **also: Any
) -> None:
    """Move the status of a row to what it is during an operation, which may be another row's
    too. ``also``: further columns of the row.

    :raises MycloudError: the noun's refusal, when the status does not allow it
    """
    transition = noun.transitions[made["kind"]]
    current = noun.get(conn, row_id)
    changes = {
        "operation_id": made["id"],
        "previous_status": current["status"],
        "updated_at": made["created_at"],
        **also,
    }
    if transition.during is not None:
        changes["status"] = transition.during
    moved = current["status"] in transition.before and noun.update(
        conn, row_id, changes, operation_id=None, status=current["status"]
    )
    if not moved:
        refuse(conn, noun, noun.get(conn, row_id), transition)


def check(conn: Connection, noun: Noun, row: Row, kind: str) -> None:
    """Whether an operation of that kind could begin on a row now.

    :raises MycloudError: the noun's refusal, when the status does not allow it
    """
    transition = noun.transitions[kind]
    if row["status"] not in transition.before or row["operation_id"] is not None:
        refuse(conn, noun, row, transition)


def refuse(
    conn: Connection, noun: Noun, row: Row, transition: states.StatusTransition
) -> None:
    """Say why a status does not let this happen.

    :raises MycloudError: the noun's refusal
    """
    allowed = " or ".join(sorted(transition.before))
    reason = (
        f"{noun.type.capitalize()} status must be {allowed} to {transition.action} it, but it is "
        f"{row['status']}."
    )
    if row["operation_id"] is not None:
        running = journal.get(conn, row["operation_id"])
        reason += f" Operation {running['id']} ({running['kind']}) is not finished yet."
    raise noun.refusal(reason=reason)
