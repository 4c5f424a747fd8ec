"""Bring volumes to another backend, give them another type; of a whole backend at once.

All that can be refused is refused here; whether a place fits, and whether another type needs one,
the scheduler finds out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.common.context import RequestContext
from mycloud.common.states import Attach, Migration, Vm, Vol
from mycloud.db import (
    attachments,
    block_devices,
    engine,
    servers,
    snapshots,
    volume_pools,
    volume_types,
    volumes,
)
from mycloud.journal.submit import New
from mycloud.volume import qos
from mycloud.volume.requests import pools, quotas, submit, types

Row = Mapping[str, Any]

NEVER, ON_DEMAND = "never", "on-demand"
POLICIES = (NEVER, ON_DEMAND)


@dataclass(frozen=True)
class Wish:
    """Where an operator wants a volume. ``host``: HOST@BACKEND or HOST@BACKEND#POOL; None:
    anywhere but here. ``lock``: the volume is in maintenance meanwhile."""

    host: str | None
    lock: bool = False


def migrate(
    context: RequestContext, volume: Row, wish: Wish, *, key: str | None = None
) -> str:
    """Bring a volume to another backend, also one that a guest uses; the operation's id.

    :raises InvalidVolume: it can't be moved: says why :raises BadField: there is no such host
    """
    here = _placed(volume)
    if wish.host is not None:
        check_host(here, wish.host)
    with engine.reader() as conn:
        refuse_unmovable(conn, volume)
        submit.check(conn, submit.VOLUME, volume, "volume.migrate")
        payload = {
            "place": wish.host, "not_place": here, "extra_specs": _specs(conn, volume),
            **_use(conn, volume),
        }

    def along(conn: Connection) -> None:
        # nobody has taken a snapshot or copied it since
        refuse_unmovable(conn, volume)
        changes: dict[str, Any] = {"migration_status": Migration.STARTING}
        if wish.lock and volume["status"] == Vol.AVAILABLE:
            changes["status"] = Vol.MAINTENANCE
        volumes.update(conn, volume["id"], changes)

    new = New("volume.migrate", payload, asked=[wish.host, wish.lock], along=along)
    return submit.submit(context, submit.UNPLACED, volume, new, key=key)


def _placed(volume: Row) -> str:
    """The service where it lies."""
    if volume["host"] is None:
        raise exceptions.InvalidVolume(
            reason=f"volume {volume['id']} lies on no backend yet, so there is nothing to move."
        )
    return volume_pools.split(volume["host"])[0]


def check_host(here: str, host: str) -> None:
    """Whether volumes of the service ``here`` can go to a host at all.

    :raises BadField: there is no such host :raises InvalidVolume: it is where they are
    """
    try:
        pools.of_host(host)
    except exceptions.NotFound as error:
        raise exceptions.BadField(
            field="host", reason=f"there is no storage pool on host {host}"
        ) from error
    if volume_pools.split(host)[0] == here:
        raise exceptions.InvalidVolume(
            reason=f"the volume lies on {here} already; name another backend."
        )


def _specs(conn: Connection, volume: Row) -> dict[str, str]:
    kind = volume_types.by_id(conn, volume["volume_type_id"] or "")
    return dict(kind["extra_specs"]) if kind is not None else {}


def refuse_unmovable(conn: Connection, volume: Row) -> None:
    """:raises InvalidVolume: says what is in the way"""
    why = _why_not(conn, volume)
    if why is not None:
        raise exceptions.InvalidVolume(reason=f"volume {volume['id']} can't be moved: {why}.")


def _why_not(conn: Connection, volume: Row) -> str | None:
    """What keeps a volume where it lies; None: nothing does."""
    if snapshots.of_volume(conn, volume["id"]):
        return "it has snapshots, which can't go with it; delete them first"
    if volumes.being_made_from(conn, "source_volid", volume["id"]):
        return "it is being copied to another volume; try again when that has ended"
    held = attachments.of_volumes(conn, [volume["id"]])[volume["id"]]
    if volume["status"] == Vol.IN_USE and not held:
        return "it is in use, and nobody says by whom; an administrator can reset its status"
    if len(held) > 1:
        return "several servers or hosts use it; detach it from all but one"
    for row in held:
        return _why_not_used(conn, row)
    return None


def _why_not_used(conn: Connection, attachment: Row) -> str | None:
    if attachment["status"] != Attach.ATTACHED:
        return f"its attachment is {attachment['status']}; try again when that has ended"
    if block_devices.live_of_attachment(conn, attachment["id"]) is None:
        return "a host outside of this cloud uses it; detach it first"
    server = servers.get(conn, attachment["server_id"])
    if server["vm_state"] not in (Vm.ACTIVE, Vm.PAUSED):
        return (
            f"server {server['id']}, which has it, does not run; start the server, or detach the "
            "volume"
        )
    return None


def _use(conn: Connection, volume: Row) -> dict[str, Any]:
    """Of a volume that a guest uses: what leads to it."""
    for row in attachments.of_volumes(conn, [volume["id"]])[volume["id"]]:
        return {
            "attachment_id": row["id"],
            "server_id": row["server_id"],
            "compute_host": servers.get(conn, row["server_id"])["host"],
        }
    return {}


# -- another type ------------------------------------------------------------------------------


def retype(
    context: RequestContext, volume: Row, wanted: str, policy: str, *, key: str | None = None
) -> str:
    """Give a volume another type, by id or name; the operation's id. With ON_DEMAND it moves to
    another backend if the new type needs that.

    :raises InvalidVolume: :raises VolumeTypeNotFound: :raises VolumeQuotaExceeded:
    :raises Invalid: the type does not fit the volume
    """
    _placed(volume)
    with engine.reader() as conn:
        kind = volume_types.find(conn, context, wanted)
        before = volume_types.by_id(conn, volume["volume_type_id"] or "")
        submit.check(conn, submit.VOLUME, volume, "volume.retype")
        _check_type(conn, volume, before, kind)
        payload = _retype_payload(conn, volume, kind, policy)

    def along(conn: Connection) -> None:
        if "must_stay" not in payload:
            refuse_unmovable(conn, volume)
        size = volume["size_gb"]
        quotas.check_type(
            conn, volume["project_id"], {"volumes": 1, "gigabytes": size}, type_name=kind["name"]
        )

    new = New("volume.retype", payload, asked=[kind["id"], policy], along=along)
    return submit.submit(context, submit.UNPLACED, volume, new, key=key)


def _check_type(conn: Connection, volume: Row, before: Row | None, kind: Row) -> None:
    """:raises Invalid: :raises InvalidVolume:"""
    if before is not None and before["id"] == kind["id"]:
        raise exceptions.Invalid(
            f"Invalid input received: volume {volume['id']} has type {kind['name']} already."
        )
    if bool(kind["encryption"]) != bool(volume["encrypted"]) or (
        volume["encrypted"] and before is not None and before["encryption"] != kind["encryption"]
    ):
        raise exceptions.Invalid(
            "Invalid input received: a volume can't be encrypted, decrypted or encrypted "
            "otherwise by another type; make a new volume, and copy it in a server that has both."
        )
    shared = types.is_multiattach(kind)
    if volume["status"] == Vol.IN_USE and bool(volume["multiattach"]) != shared:
        raise exceptions.InvalidVolume(
            reason=f"volume {volume['id']} is in use, and whether several servers may use it "
            "can't change meanwhile; detach it first."
        )


def _retype_payload(conn: Connection, volume: Row, kind: Row, policy: str) -> dict[str, Any]:
    shared = types.is_multiattach(kind)
    payload: dict[str, Any] = {
        "extra_specs": dict(kind["extra_specs"]),
        "multiattach": shared,
        "not_place": _placed(volume),
        "new_type": {"volume_type_id": kind["id"], "multiattach": shared},
    }
    why = "its migration policy is 'never'; ask with 'on-demand'"
    if policy == ON_DEMAND:
        why = _why_not(conn, volume) or ""
    if why:
        payload["must_stay"] = why
    if volume["status"] != Vol.IN_USE:
        return payload
    bounds = [
        _bounds(conn, type_id, volume["size_gb"])
        for type_id in (volume["volume_type_id"], kind["id"])
    ]
    payload |= _use(conn, volume)
    if bounds[0] != bounds[1]:
        payload["iotune"] = bounds[1]
    return payload


def _bounds(conn: Connection, type_id: str | None, size_gb: int) -> dict[str, int]:
    """What a guest's host keeps of a volume of that type and size, by libvirt's names."""
    found = volume_types.qos_of(conn, type_id) if type_id else None
    if found is None:
        return {}
    return qos.iotune(found["consumer"], found["specs"], size_gb) or {}
