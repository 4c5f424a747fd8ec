"""The older way to attach a volume, by actions on it: reserve, initialize_connection, attach; and
begin_detaching, terminate_connection, detach.

What is had in this way is an attachment as any other.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.common.states import Attach, Vol
from mycloud.db import attachments as db_attachments
from mycloud.db import engine, volumes
from mycloud.volume.requests import attachments, use
from mycloud.volume.requests.volumes import own_project

Row = Mapping[str, Any]

#: On its way to a host.
_COMING = frozenset({Attach.RESERVED, Attach.ATTACHING})


def _held(conn: Connection, volume_id: str) -> list[Row]:
    return db_attachments.of_volumes(conn, [volume_id])[volume_id]


def _refused(volume: Row, action: str, *allowed: str) -> exceptions.InvalidVolume:
    return exceptions.InvalidVolume(
        reason=f"Volume {volume['id']} status must be {' or '.join(allowed)} to {action}, but it "
        f"is {volume['status']}."
    )


@engine.retried
def reserve(context: RequestContext, volume_id: str) -> None:
    """Keep a volume for who is going to attach it.

    :raises VolumeNotFound: :raises InvalidVolume:
    """
    with engine.writer() as conn:
        row = volumes.get(conn, volume_id, project_id=own_project(context))
        allowed = [Vol.AVAILABLE, *([Vol.IN_USE] if row["multiattach"] else [])]
        changes = {"status": Vol.ATTACHING, "updated_at": clock.now()}
        if not volumes.update(conn, volume_id, changes, status=allowed, operation_id=None):
            raise _refused(row, "reserve", *allowed)


@engine.retried
def unreserve(context: RequestContext, volume_id: str) -> None:
    """Keep it no longer; a volume that nobody has reserved is left as it is.

    :raises VolumeNotFound: :raises InvalidVolume: something else is done to it
    """
    with engine.writer() as conn:
        row = volumes.get(conn, volume_id, project_id=own_project(context))
        if row["status"] not in (Vol.ATTACHING, Vol.RESERVED) or row["operation_id"] is not None:
            raise _refused(row, "unreserve", Vol.ATTACHING)
        db_attachments.follow(conn, volume_id, clock.now())


@engine.retried
def begin_detaching(context: RequestContext, volume_id: str) -> None:
    """:raises VolumeNotFound: :raises InvalidVolume: :raises AttachmentOfServer:"""
    _move(context, volume_id, (Attach.ATTACHED, Attach.DETACHING), (Vol.IN_USE, Vol.DETACHING))


@engine.retried
def roll_detaching(context: RequestContext, volume_id: str) -> None:
    """:raises VolumeNotFound: :raises InvalidVolume: :raises AttachmentOfServer:"""
    _move(context, volume_id, (Attach.DETACHING, Attach.ATTACHED), (Vol.DETACHING, Vol.IN_USE))


def _move(
    context: RequestContext, volume_id: str, rows: tuple[Attach, Attach], shown: tuple[Vol, Vol]
) -> None:
    now = clock.now()
    with engine.writer() as conn:
        volume = volumes.get(conn, volume_id, project_id=own_project(context))
        changes = {"status": shown[1], "updated_at": now}
        if not volumes.update(
            conn, volume_id, changes, status=shown[0], operation_id=None
        ):
            raise _refused(volume, "do that", shown[0])
        for row in _held(conn, volume_id):
            use.refuse_server(conn, row, context)
            db_attachments.update(
                conn, row["id"], {"status": rows[1], "updated_at": now}, status=rows[0]
            )


@engine.retried
def attach(context: RequestContext, volume_id: str, values: dict[str, Any]) -> None:
    """A server or a host has the volume. ``values``: server_id, mountpoint, mode, and ``host`` for
    one that is no server.

    :raises VolumeNotFound: :raises InvalidVolume: :raises BadField:
    """
    now = clock.now()
    with engine.writer() as conn:
        volume = volumes.get(conn, volume_id, project_id=own_project(context))
        known = [
            row
            for row in _held(conn, volume_id)
            if row["status"] in _COMING and row["server_id"] is None
        ]
        if known:
            # the one that initialize_connection has made
            attachments.check_server(conn, volume, values.get("server_id"))
            db_attachments.attached(conn, known[0]["id"], values, now)
            return
        _free_reserved(conn, volume)
        row = attachments.take(conn, context, volume, values)
        db_attachments.attached(conn, row["id"], {}, now)


def _free_reserved(conn: Connection, volume: Row) -> None:
    """What ``reserve`` has kept is there for who comes now."""
    if volume["status"] == Vol.ATTACHING and volume["operation_id"] is None:
        db_attachments.follow(conn, volume["id"], clock.now())


def detach(
    context: RequestContext, volume_id: str, attachment_id: str | None, *, force: bool = False
) -> None:
    """Whoever has the volume has it no longer. ``force``: also out of an error (operators).

    :raises VolumeNotFound: :raises AttachmentNotFound: :raises AttachmentOfServer:
    :raises InvalidVolume: several have it and none is named
    """
    with engine.reader() as conn:
        volumes.get(conn, volume_id, project_id=own_project(context))
        rows = _held(conn, volume_id)
        if attachment_id is not None:
            rows = [row for row in rows if row["id"] == attachment_id]
            if not rows:
                raise exceptions.AttachmentNotFound(attachment_id=attachment_id)
        for row in rows:
            use.refuse_server(conn, row, context)
    if len(rows) > 1 and not force:
        raise exceptions.InvalidVolume(
            reason=f"Volume {volume_id} has several attachments; name the one to end by its "
            "attachment_id."
        )
    attachments.release(context, rows)
    _let_free(volume_id, force=force)


@engine.retried
def _let_free(volume_id: str, *, force: bool) -> None:
    now = clock.now()
    with engine.writer() as conn:
        if force and not _held(conn, volume_id):
            changes = {"status": Vol.AVAILABLE, "updated_at": now}
            volumes.update(conn, volume_id, changes, status=Vol.ERROR, operation_id=None)
        db_attachments.follow(conn, volume_id, now)


# -- connections -------------------------------------------------------------------------------


def initialize_connection(
    context: RequestContext, volume_id: str, connector: dict[str, Any]
) -> dict[str, Any]:
    """Give the volume to a host: how it reaches the volume, secrets included.

    :raises VolumeNotFound: :raises InvalidVolume: :raises ServiceUnavailable:
    """
    row = _for_host(context, volume_id, connector)
    _, info = attachments.connect(context, row["id"], connector, complete=False)
    return info


@engine.retried
def _for_host(context: RequestContext, volume_id: str, connector: dict[str, Any]) -> Row:
    """The attachment of that host, or one that no host has yet, or a new one."""
    with engine.writer() as conn:
        volume = volumes.get(conn, volume_id, project_id=own_project(context))
        for row in _held(conn, volume_id):
            known = row["connector"]
            if known is None or known.get("host") == connector.get("host"):
                return row
        _free_reserved(conn, volume)
        return attachments.take(
            conn, context, volume,
            {"mode": attachments.READ_ONLY} if volume["read_only"] else {},
        )


def terminate_connection(
    context: RequestContext, volume_id: str, connector: dict[str, Any] | None
) -> None:
    """Take the volume from a host, or from all of them for None; what was not attached yet is
    reserved no longer.

    :raises VolumeNotFound: :raises AttachmentOfServer: :raises ServiceUnavailable:
    """
    with engine.reader() as conn:
        volumes.get(conn, volume_id, project_id=own_project(context))
        rows = [
            row
            for row in _held(conn, volume_id)
            if row["connector"] is not None
            and (not connector or row["connector"].get("host") == connector.get("host"))
        ]
        for row in rows:
            use.refuse_server(conn, row, context)
    attachments.disconnect(context, rows)
    attachments.release(context, [row for row in rows if row["status"] in _COMING])
