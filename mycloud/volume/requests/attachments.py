"""Attachments as hosts make them that are no servers of ours, or that a service makes.

An attachment is reserved, is told who takes the volume, and is complete once the host has it. Of
the connector that a caller sends only what a foreign host can be is believed; how the volume is
reached, secrets included, is in the answer and is kept without them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, connection_info, exceptions
from mycloud.common.context import RequestContext
from mycloud.common.states import Attach
from mycloud.db import attachment_list, engine, filtered, servers, volume_pools, volumes
from mycloud.db import attachments as db_attachments
from mycloud.db.filtered import Wanted
from mycloud.volume.requests import use
from mycloud.volume.requests.volumes import own_project
from mycloud.volume.rpcapi import VolumeAPI

Row = Mapping[str, Any]

#: What proves that a host shares files with the volume's: only our own hosts say so.
_PROOF = "machine"
READ_WRITE, READ_ONLY = "rw", "ro"


def get(context: RequestContext, attachment_id: str) -> Row:
    """A live attachment that the caller may see.

    :raises AttachmentNotFound: also for another project's
    """
    with engine.reader() as conn:
        return db_attachments.get(conn, attachment_id, project_id=own_project(context))


def page(wanted: Wanted) -> list[Row]:
    """A page of attachments."""
    with engine.reader() as conn:
        return filtered.page(conn, attachment_list.NOUN, wanted)


def of_volume(volume_id: str) -> list[Row]:
    """The live attachments of a volume."""
    with engine.reader() as conn:
        return db_attachments.of_volumes(conn, [volume_id])[volume_id]


# -- reserve -----------------------------------------------------------------------------------


@engine.retried
def reserve(context: RequestContext, volume_id: str, values: dict[str, Any]) -> Row:
    """Reserve a volume. ``values``: server_id, mode, mountpoint.

    :raises VolumeNotFound: :raises InvalidVolume: it is not there for that
    :raises BadField: the server is not one of the volume's project
    """
    with engine.writer() as conn:
        volume = volumes.get(conn, volume_id, project_id=own_project(context))
        return take(conn, context, volume, values)


def take(
    conn: Connection, context: RequestContext, volume: Row, values: dict[str, Any]
) -> dict[str, Any]:
    """As ``reserve``, of a volume's row in this transaction."""
    check_server(conn, volume, values.get("server_id"))
    if volume["read_only"] and values.get("mode", READ_WRITE) != READ_ONLY:
        raise exceptions.InvalidVolume(
            reason=f"volume {volume['id']} is read-only; attach it with mode {READ_ONLY}."
        )
    if volume["host"] is None:
        raise exceptions.InvalidVolume(reason=f"volume {volume['id']} is on no backend.")
    return db_attachments.reserve(conn, volume, values)


def check_server(conn: Connection, volume: Row, server_id: str | None) -> None:
    """Nobody gives a disk to a server of somebody else.

    :raises BadField:
    """
    if server_id is None:
        return
    try:
        servers.get(conn, server_id, project_id=volume["project_id"])
    except exceptions.ServerNotFound as error:
        raise exceptions.BadField(
            field="instance_uuid",
            reason=f"{error.message} A volume goes to servers of its own project.",
        ) from error


# -- connect -----------------------------------------------------------------------------------


def connect(
    context: RequestContext, attachment_id: str, connector: dict[str, Any], *, complete: bool
) -> tuple[Row, dict[str, Any]]:
    """Give a reserved volume to a host; the attachment, and how the host reaches the volume,
    secrets included. ``complete``: the host needs not say that it has it.

    :raises AttachmentNotFound: :raises AttachmentOfServer: :raises InvalidVolume:
    :raises ServiceUnavailable: :raises ExportFailed: it is reserved as before
    """
    if not use.by_service(context):
        connector = {name: value for name, value in connector.items() if name != _PROOF}
    before, place = _begin(context, attachment_id, connector)
    try:
        info = VolumeAPI().initialize_connection(context, place, attachment_id, connector)
    except exceptions.MycloudError:
        _take_back(before)
        raise
    return _connected(attachment_id, info, complete=complete), info


def reserve_and_connect(
    context: RequestContext, volume_id: str, values: dict[str, Any], connector: dict[str, Any],
    *, complete: bool,
) -> tuple[Row, dict[str, Any]]:
    """``reserve`` and ``connect``; where the second fails, nothing is left of the first."""
    row = reserve(context, volume_id, values)
    try:
        return connect(context, row["id"], connector, complete=complete)
    except exceptions.MycloudError:
        delete(context, row["id"])
        raise


@engine.retried
def _begin(
    context: RequestContext, attachment_id: str, connector: dict[str, Any]
) -> tuple[Row, str]:
    """The attachment as it was, and the service that exports the volume."""
    now = clock.now()
    with engine.writer() as conn:
        row = db_attachments.get(conn, attachment_id, project_id=own_project(context))
        use.refuse_server(conn, row, context)
        known = row["connector"]
        if known is not None and known.get("host") != connector.get("host"):
            raise exceptions.InvalidVolume(
                reason=f"attachment {attachment_id} belongs to host {known.get('host')}; delete "
                "it and make another one for another host."
            )
        values: dict[str, Any] = {"connector": connector, "updated_at": now}
        if row["status"] == Attach.RESERVED:
            values["status"] = Attach.ATTACHING
        elif row["status"] not in (Attach.ATTACHING, Attach.ATTACHED):
            raise exceptions.InvalidVolume(
                reason=f"attachment {attachment_id} is {row['status']}."
            )
        db_attachments.update(conn, attachment_id, values)
        db_attachments.follow(conn, row["volume_id"], now)
        volume = volumes.get(conn, row["volume_id"])
    return row, volume_pools.split(volume["host"] or "")[0]


@engine.retried
def _take_back(before: Row) -> None:
    now = clock.now()
    with engine.writer() as conn:
        values = {
            "status": before["status"], "connector": before["connector"], "updated_at": now,
        }
        db_attachments.update(conn, before["id"], values, status=Attach.ATTACHING)
        db_attachments.follow(conn, before["volume_id"], now)


@engine.retried
def _connected(attachment_id: str, info: dict[str, Any], *, complete: bool) -> Row:
    now = clock.now()
    kept = {"connection_info": connection_info.without_secrets(info), "updated_at": now}
    with engine.writer() as conn:
        if complete:
            db_attachments.attached(conn, attachment_id, kept, now)
        else:
            db_attachments.update(conn, attachment_id, kept)
        return db_attachments.get(conn, attachment_id)


@engine.retried
def complete(context: RequestContext, attachment_id: str) -> None:
    """The host has the volume.

    :raises AttachmentNotFound: :raises InvalidVolume: nobody was told how to reach it
    """
    with engine.writer() as conn:
        row = db_attachments.get(conn, attachment_id, project_id=own_project(context))
        use.refuse_server(conn, row, context)
        if row["status"] == Attach.ATTACHED:
            return
        if row["status"] != Attach.ATTACHING:
            raise exceptions.InvalidVolume(
                reason=f"attachment {attachment_id} must be {Attach.ATTACHING} to be completed, "
                f"but it is {row['status']}; update it with a connector first."
            )
        db_attachments.attached(conn, attachment_id, {}, clock.now())


# -- let go ------------------------------------------------------------------------------------


def delete(context: RequestContext, attachment_id: str) -> list[Row]:
    """End an attachment and its export; the volume's other attachments.

    :raises AttachmentNotFound: :raises AttachmentOfServer:
    """
    with engine.reader() as conn:
        row = db_attachments.get(conn, attachment_id, project_id=own_project(context))
        use.refuse_server(conn, row, context)
    release(context, [row])
    return of_volume(row["volume_id"])


def release(context: RequestContext, rows: Sequence[Row]) -> None:
    """End attachments, their exports first: a host that is cut off can't write any more once the
    volume is somebody else's.

    :raises AttachmentOfServer: :raises ServiceUnavailable: when the volume's host does not answer
    """
    for row in rows:
        if row["connector"] is not None:
            VolumeAPI().terminate_connection(context, _place(row), row["id"])
    _end(context, rows)


def disconnect(context: RequestContext, rows: Sequence[Row]) -> None:
    """End the exports of attachments that go on.

    :raises ServiceUnavailable:
    """
    for row in rows:
        VolumeAPI().terminate_connection(context, _place(row), row["id"])
        _forget_host(row)


@engine.retried
def _forget_host(row: Row) -> None:
    with engine.writer() as conn:
        gone = {"connector": None, "connection_info": None, "updated_at": clock.now()}
        db_attachments.update(conn, row["id"], gone)


@engine.retried
def _place(row: Row) -> str:
    with engine.reader() as conn:
        return volume_pools.split(volumes.get(conn, row["volume_id"])["host"] or "")[0]


@engine.retried
def _end(context: RequestContext, rows: Sequence[Row]) -> None:
    with engine.writer() as conn:
        for row in rows:
            use.refuse_server(conn, row, context)
            db_attachments.end(conn, row["id"], clock.now())
