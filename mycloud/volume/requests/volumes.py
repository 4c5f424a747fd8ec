"""Volumes as their owners see them; changes that need no worker, and those that do."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions, policy
from mycloud.common.context import RequestContext
from mycloud.common.states import Attach, Vol
from mycloud.compute.rpcapi import ComputeAPI
from mycloud.db import (
    attachments,
    engine,
    journal,
    snapshots,
    volume_pools,
    volume_types,
    volumes,
)
from mycloud.journal.submit import New
from mycloud.volume.requests import quotas, submit, use

Row = Mapping[str, Any]


def own_project(context: RequestContext) -> str | None:
    """Whose volumes a caller may see and change; None: everybody's."""
    if policy.allowed(context, "volume:volumes:all_projects"):
        return None
    return context.project_id or ""


def get(context: RequestContext, volume_id: str) -> Row:
    """A live volume that the caller may see.

    :raises VolumeNotFound: also for another project's
    """
    with engine.reader() as conn:
        return volumes.get(conn, volume_id, project_id=own_project(context))


@engine.retried
def update(context: RequestContext, volume_id: str, changes: dict[str, Any]) -> Row:
    """Change name, description or metadata.

    :raises VolumeNotFound:
    """
    with engine.writer() as conn:
        volumes.get(conn, volume_id, project_id=own_project(context))
        volumes.update(conn, volume_id, {**changes, "updated_at": clock.now()})
        return volumes.get(conn, volume_id)


# -- deletion ----------------------------------------------------------------------------------


def delete(
    context: RequestContext, volume: Row, *, force: bool = False, cascade: bool = False,
    key: str | None = None,
) -> str | None:
    """Delete a volume; the operation's id, or None for one that was on no backend yet.

    ``force``: whatever its status is, and with its exports (administrators). ``cascade``: with
    its snapshots.

    :raises InvalidVolume: while it is used, has snapshots, or is being copied from
    :raises InvalidSnapshot: while something is done to one of the snapshots that go with it
    """
    volume_id = volume["id"]
    with engine.reader() as conn:
        _refuse_use(conn, volume, force=force)
        known = [row["id"] for row in snapshots.of_volume(conn, volume_id)]
        refuse_dependants(conn, volume, without=known if cascade else ())
    payload: dict[str, Any] = {"force": True} if force else {}
    if cascade:
        payload["snapshots"] = known

    def along(conn: Connection) -> None:
        # nobody has attached or copied it since
        _refuse_use(conn, volume, force=force)
        refuse_dependants(conn, volume, without=known if cascade else ())
        if cascade:
            _take_snapshots(conn, volume_id)

    if force:
        _force(volume)
    if volume["host"] is None:
        return _forget(context, volume)
    new = New("volume.delete", payload, asked=[force, cascade], along=along)
    return submit.submit(context, submit.VOLUME, volume, new, key=key)


def _take_snapshots(conn: Connection, volume_id: str) -> None:
    """Let the volume's operation have its snapshots too.

    :raises InvalidSnapshot: when it can't have one of them
    """
    operation_id = volumes.get(conn, volume_id)["operation_id"]
    transition = submit.states.SNAPSHOT["snapshot.delete"]
    for row in snapshots.of_volume(conn, volume_id):
        changes = {
            "status": transition.during, "operation_id": operation_id,
            "updated_at": clock.now(),
        }
        if not snapshots.update(
            conn, row["id"], changes, operation_id=None, status=transition.before
        ):
            submit.refuse(conn, submit.SNAPSHOT, row, transition)
        # only now: nobody begins another copy from here on
        refuse_copies(conn, row)


def refuse_copies(conn: Connection, snapshot: Row) -> None:
    """:raises InvalidSnapshot: while a volume is being made from it"""
    if volumes.being_made_from(conn, "snapshot_id", snapshot["id"]):
        raise exceptions.InvalidSnapshot(
            reason=f"Snapshot {snapshot['id']} is being copied to a volume; try again when "
            "that has ended."
        )


@engine.retried
def _force(volume: Row) -> None:
    """Get a volume out of whatever is being done to it, so that it can be deleted."""
    now = clock.now()
    with engine.writer() as conn:
        row = volumes.lock(conn, volume["id"])
        if row["operation_id"] is not None:
            journal.request_cancel(conn, row["operation_id"])
        volumes.update(
            conn, volume["id"], {"status": Vol.ERROR, "updated_at": now, "operation_id": None}
        )


def _refuse_use(conn: Connection, volume: Row, *, force: bool) -> None:
    """:raises InvalidVolume: :raises AttachmentOfServer: while somebody uses the volume"""
    for row in attachments.of_volumes(conn, [volume["id"]])[volume["id"]]:
        if force:
            use.refuse_server(conn, row)
            continue
        raise exceptions.InvalidVolume(
            reason=f"Volume {volume['id']} is still attached or reserved; detach it first."
        )


def refuse_dependants(
    conn: Connection, volume: Row, *, without: Collection[str] = ()
) -> None:
    """:raises InvalidVolume: while it has snapshots that are not among ``without``, or a volume
    is being made from it"""
    if any(row["id"] not in without for row in snapshots.of_volume(conn, volume["id"])):
        raise exceptions.InvalidVolume(
            reason=f"Volume {volume['id']} still has snapshots; delete them first."
        )
    if volumes.being_made_from(conn, "source_volid", volume["id"]):
        raise exceptions.InvalidVolume(
            reason=f"Volume {volume['id']} is being copied to another volume; try again when "
            "that has ended."
        )


@engine.retried
def _forget(context: RequestContext, volume: Row) -> None:
    """End a volume that never came to a backend."""
    now = clock.now()
    with engine.writer() as conn:
        gone = volumes.update(
            conn,
            volume["id"],
            {"status": Vol.DELETED, "deleted_at": now, "terminated_at": now, "updated_at": now},
            host=None,
            operation_id=None,
            status=[Vol.ERROR, Vol.AVAILABLE],
        )
        if not gone:
            row = volumes.get(conn, volume["id"])
            submit.refuse(conn, submit.VOLUME, row, submit.states.VOLUME["volume.delete"])


# -- growing -----------------------------------------------------------------------------------


def extend(
    context: RequestContext, volume: Row, size_gb: int, *, key: str | None = None
) -> str:
    """Let a volume grow, also one that a guest uses; the operation's id.

    :raises InvalidVolume: its status, or how it is attached, does not allow it
    :raises BadField: it would not grow
    :raises VolumeQuotaExceeded: :raises NoRoomToGrow:
    """
    if size_gb <= volume["size_gb"]:
        raise exceptions.BadField(
            field="new_size",
            reason=f"New size for extend must be greater than current size. (current: "
            f"{volume['size_gb']}, extended: {size_gb}).",
        )
    online = volume["status"] == Vol.IN_USE
    if online:
        _check_grows_online(context, volume)

    def along(conn: Connection) -> None:
        more = size_gb - volume["size_gb"]
        found = None
        if volume["volume_type_id"]:
            found = volume_types.by_id(conn, volume["volume_type_id"])
        wanted = {"gigabytes": more, "per_volume_gigabytes": size_gb}
        quotas.check(
            conn, volume["project_id"], wanted, type_name=found["name"] if found else None
        )
        volumes.update(conn, volume["id"], {"grows_to_gb": size_gb})
        specs = (found["extra_specs"] if found else None) or {}
        thin = specs.get("provisioning:type") != "thick"
        room = volume_pools.grow_if_room(conn, volume["host"], more, thin=thin)
        if room is not None:
            raise exceptions.NoRoomToGrow(volume=volume["id"], more=more, room=int(room))

    new = New("volume.extend", {"size_gb": size_gb, "online": online}, along=along)
    return submit.submit(context, submit.VOLUME, volume, new, key=key)


def _check_grows_online(context: RequestContext, volume: Row) -> None:
    """Ask the hosts before anything is touched.

    :raises InvalidVolume: names the remedy
    """
    with engine.reader() as conn:
        held = attachments.of_volumes(conn, [volume["id"]])[volume["id"]]
    for row in held:
        if row["status"] != Attach.ATTACHED:
            continue
        asked = row["server_id"] and row["host"] and ComputeAPI().can_extend_volume(
            context, row["host"], row["server_id"], volume["id"]
        )
        if not asked:
            protocol = (row["connection_info"] or {}).get("driver_volume_type", "its protocol")
            raise exceptions.InvalidVolume(
                reason=f"Volume {volume['id']} is attached by {protocol}, through which a volume "
                "can't grow while it is in use; stop the server or detach the volume, extend it, "
                "and start or attach it again."
            )
