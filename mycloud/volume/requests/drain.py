"""Bring all volumes of a backend elsewhere, some at a time: whoever asks again goes on with it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from mycloud.common import exceptions
from mycloud.common.context import RequestContext
from mycloud.common.states import MOVES
from mycloud.db import engine, journal, volumes
from mycloud.volume.requests import migrate, services, submit

Row = Mapping[str, Any]

#: Why the backend gets no new volumes.
DRAINED = "drained"


@dataclass(frozen=True)
class Draining:
    """How far it is. ``moving``: volume id -> its operation; ``waiting``: ids of those that come
    later; ``staying``: volume id -> why it can't be moved now."""

    moving: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    staying: dict[str, str] = field(default_factory=dict)


def drain(
    context: RequestContext, host: str, *, to: str | None, at_once: int,
    skip: Collection[str] = (),
) -> Draining:
    """Let nothing new come to a backend, and let so many of its volumes move that ``at_once`` do.

    :param to: HOST@BACKEND or HOST@BACKEND#POOL; None: the scheduler chooses for each
    :param skip: ids of volumes that are left alone
    :raises NotFound: there is no such backend :raises BadField: no volume can go ``to`` there
    """
    service = services.find(host, services.BINARY)
    if to is not None:
        migrate.check_host(host, to)
    if not service["disabled"]:
        services.switch(host, services.BINARY, disabled=True, reason=DRAINED)
    found = Draining()
    with engine.reader() as conn:
        rows = sorted(volumes.on_backend(conn, host), key=lambda row: row["created_at"])
        for row in rows:
            if _moves(conn, row):
                found.moving[row["id"]] = row["operation_id"]
    for row in rows:
        if row["id"] in skip or row["id"] in found.moving:
            continue
        _begin(context, row, found, to=to, room=len(found.moving) < at_once)
    return found


def _moves(conn: Any, row: Row) -> bool:
    return (
        row["operation_id"] is not None
        and journal.get(conn, row["operation_id"])["kind"] in MOVES
    )


def _begin(
    context: RequestContext, row: Row, found: Draining, *, to: str | None, room: bool
) -> None:
    """Move the volume if there is room, else only see whether it can be moved."""
    try:
        if room:
            wish = migrate.Wish(to)
            found.moving[row["id"]] = migrate.migrate(context, row, wish)
            return
        with engine.reader() as conn:
            submit.check(conn, submit.VOLUME, row, "volume.migrate")
            migrate.refuse_unmovable(conn, row)
        found.waiting.append(row["id"])
    except exceptions.MycloudError as error:
        found.staying[row["id"]] = error.message
