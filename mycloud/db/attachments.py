"""Attachments of volumes: reserving, what a host must know of them, how they settle.

The status of a volume that nothing else is done to follows from its attachments.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.states import OP_OPEN, Attach, Op, Vol
from mycloud.db import block_devices, live, volume_messages, volume_removal, volumes
from mycloud.db.models import block_devices as devices
from mycloud.db.models import operations, qos_specs, volume_types
from mycloud.db.models import volume_attachments as attachments
from mycloud.db.models import volumes as volume_table

Row = Mapping[str, Any]

#: What a volume shows whose attachments are in these statuses; the first that fits.
_SHOWN = (
    (Attach.ATTACHED, Vol.IN_USE),
    (Attach.DETACHING, Vol.DETACHING),
    (Attach.ERROR_DETACHING, Vol.IN_USE),
    (Attach.ATTACHING, Vol.ATTACHING),
    (Attach.RESERVED, Vol.RESERVED),
    (Attach.ERROR_ATTACHING, Vol.ERROR),
)
#: Statuses of a volume that follow from its attachments.
FOLLOWS = frozenset({Vol.AVAILABLE, *(shown for _, shown in _SHOWN)} - {Vol.ERROR})


def get(
    conn: Connection, attachment_id: str, *, project_id: str | None = None
) -> Row:
    """One attachment; of that project only, if one is given.

    :raises AttachmentNotFound:
    """
    row = live.get(conn, attachments, attachment_id, project_id=project_id)
    if row is None:
        raise exceptions.AttachmentNotFound(attachment_id=attachment_id)
    return row


def of_volumes(conn: Connection, volume_ids: Sequence[str]) -> dict[str, list[Row]]:
    """The live attachments, by volume, oldest first; one statement."""
    query = (
        sa.select(attachments)
        .where(attachments.c.volume_id.in_(volume_ids), attachments.c.deleted_at.is_(None))
        .order_by(attachments.c.created_at, attachments.c.id)
    )
    found: dict[str, list[Row]] = {volume_id: [] for volume_id in volume_ids}
    for row in conn.execute(query).mappings():
        found[row["volume_id"]].append(row)
    return found


def any_of(conn: Connection, server_id: str) -> bool:
    """Whether a server has a live attachment."""
    query = sa.select(attachments.c.id).where(
        attachments.c.server_id == server_id, attachments.c.deleted_at.is_(None)
    )
    return conn.execute(query.limit(1)).first() is not None


def update(
    conn: Connection, attachment_id: str, changes: dict[str, Any], **expected: Any
) -> bool:
    """Change a live attachment if its columns still have the ``expected`` values."""
    return live.update(conn, attachments, attachment_id, changes, expected)


# -- for the hosts -----------------------------------------------------------------------------

#: Of the volume, the type and the device, beside the attachment's own columns.
_MORE = (
    volume_table.c.host.label("volume_host"),
    sa.func.coalesce(volume_table.c.name_id, volume_table.c.id).label("volume_name"),
    volume_table.c.name.label("volume_title"),
    volume_table.c.size_gb.label("volume_size_gb"),
    volume_table.c.status.label("volume_status"),
    volume_table.c.multiattach,
    volume_table.c.read_only,
    volume_table.c.encrypted,
    volume_table.c.encryption_key_id,
    volume_types.c.encryption.label("encryption"),
    qos_specs.c.consumer.label("qos_consumer"),
    qos_specs.c.specs.label("qos"),
    devices.c.id.label("device_id"),
    devices.c.device_name,
    devices.c.disk_bus,
    devices.c.device_type,
    devices.c.boot_index,
    devices.c.tag,
    devices.c.delete_on_termination,
)


def full(conn: Connection, **which: str) -> list[Row]:
    """Live attachments with what a host must know of volume, type and device, in the order of
    their devices; those whose columns have these values."""
    return _full(conn, *(attachments.c[name] == value for name, value in which.items()))


def disks_of(conn: Connection, server_id: str) -> list[Row]:
    """As ``full``, of what a server has as its disks: not what somebody else says it has."""
    return _full(conn, devices.c.server_id == server_id, devices.c.id.is_not(None))


def full_on_backend(conn: Connection, host: str) -> list[Row]:
    """As ``full``, of the volumes of a volume service."""
    return _full(conn, volume_table.c.host.startswith(f"{host}#", autoescape=True))


def _full(conn: Connection, *conditions: Any) -> list[Row]:
    query = (
        sa.select(attachments, *_MORE)
        .join(volume_table, volume_table.c.id == attachments.c.volume_id)
        .outerjoin(volume_types, volume_types.c.id == volume_table.c.volume_type_id)
        .outerjoin(qos_specs, qos_specs.c.id == volume_types.c.qos_specs_id)
        .outerjoin(
            devices,
            sa.and_(
                devices.c.attachment_id == attachments.c.id, devices.c.deleted_at.is_(None)
            ),
        )
        .where(attachments.c.deleted_at.is_(None), *conditions)
        .order_by(devices.c.created_at, attachments.c.created_at, attachments.c.id)
    )
    return list(conn.execute(query).mappings())


def needed(conn: Connection, keys: Sequence[str]) -> set[str]:
    """Those of the ids that are live attachments, or operations that have not ended."""
    live_ones = sa.select(attachments.c.id).where(
        attachments.c.id.in_(keys), attachments.c.deleted_at.is_(None)
    )
    at_work = sa.select(operations.c.id).where(
        operations.c.id.in_(keys), operations.c.state.in_(sorted(OP_OPEN))
    )
    return set(conn.execute(sa.union(live_ones, at_work)).scalars())


# -- changing ----------------------------------------------------------------------------------


def reserve(conn: Connection, volume: Row, values: dict[str, Any]) -> dict[str, Any]:
    """Take a volume for a server or a host, in this transaction; the attachment's row.

    ``values``: other columns (server_id, mode, mountpoint ...).

    :raises InvalidVolume: when it is not there for that
    """
    row = _new(volume, values)
    allowed = {Vol.AVAILABLE}
    if volume["multiattach"]:
        allowed |= {Vol.IN_USE, Vol.RESERVED, Vol.ATTACHING, Vol.DETACHING}
    volumes.take_turn(conn, volume["id"])
    conn.execute(sa.insert(attachments).values(**row))
    shown = _shown(conn, volume["id"])
    taken = volumes.update(
        conn, volume["id"], {"status": shown, "updated_at": row["created_at"]}, status=allowed,
        operation_id=None,
    )
    if not taken:
        current = volumes.get(conn, volume["id"])
        raise exceptions.InvalidVolume(
            reason=f"Volume {volume['id']} status must be {' or '.join(sorted(allowed))} to be "
            f"reserved, but it is {current['status']}."
        )
    return row


def promise(conn: Connection, volume: Row, values: dict[str, Any]) -> dict[str, Any]:
    """Take a volume that this transaction begins to make; the attachment's row.

    The volume is reserved as soon as it is there. ``values``: as for ``reserve``.
    """
    row = _new(volume, values)
    conn.execute(sa.insert(attachments).values(**row))
    return row


def _new(volume: Row, values: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": clock.new_id(),
        "project_id": volume["project_id"],
        "volume_id": volume["id"],
        "status": Attach.RESERVED,
        "created_at": clock.now(),
        **values,
    }


def _shown(conn: Connection, volume_id: str) -> Vol:
    held = {row["status"] for row in of_volumes(conn, [volume_id])[volume_id]}
    return next((shown for status, shown in _SHOWN if status in held), Vol.AVAILABLE)


def follow(conn: Connection, volume_id: str, now: datetime.datetime) -> None:
    """Let the status of a volume follow from its attachments, unless something else is done to
    it: then that operation's end restores what it was, which this changes."""
    volumes.take_turn(conn, volume_id)
    shown = _shown(conn, volume_id)
    changed = volumes.update(
        conn, volume_id, {"status": shown, "updated_at": now}, status=FOLLOWS
    )
    if not changed:
        volumes.update(conn, volume_id, {"previous_status": shown}, previous_status=FOLLOWS)


def end(conn: Connection, attachment_id: str, now: datetime.datetime) -> None:
    """The volume is let go: attachment and device are gone, the volume may be free again."""
    row = live.get(conn, attachments, attachment_id)
    if row is None:
        return
    update(
        conn, attachment_id,
        {"status": Attach.DETACHED, "detached_at": now, "deleted_at": now, "updated_at": now},
    )
    block_devices.forget(conn, now, attachment_id=attachment_id)
    follow(conn, row["volume_id"], now)


def attached(
    conn: Connection, attachment_id: str, changes: dict[str, Any], now: datetime.datetime
) -> None:
    """The host has the volume: attachment and volume say so.

    ``changes``: columns of the attachment; a mountpoint is told to the device too.
    """
    row = get(conn, attachment_id)
    values = {"status": Attach.ATTACHED, "attached_at": now, "updated_at": now, **changes}
    update(conn, attachment_id, values)
    if values.get("mountpoint"):
        conn.execute(
            sa.update(devices)
            .where(devices.c.attachment_id == attachment_id, devices.c.deleted_at.is_(None))
            .values(device_name=values["mountpoint"], updated_at=now)
        )
    follow(conn, row["volume_id"], now)


# -- how operations of servers settle ----------------------------------------------------------


def settle(
    conn: Connection, operation: Row, outcome: Op, changes: dict[str, Any],
    now: datetime.datetime,
) -> list[Row]:
    """End server.attach_volume, server.detach_volume or server.swap_volume."""
    _BY_KIND[operation["kind"]](conn, operation, outcome, changes)
    if outcome is Op.FAILED:
        about = {
            **operation, "resource_type": "volume", "resource_id": operation["second_id"],
        }
        volume_messages.add_failure(conn, about, changes.get("fault"), now)
    return []


def _settle_attach(
    conn: Connection, operation: Row, outcome: Op, changes: dict[str, Any]
) -> None:
    attachment_id, now = operation["payload"]["attachment_id"], clock.now()
    if outcome is Op.SUCCEEDED:
        attached(conn, attachment_id, {}, now)
        return
    row = live.get(conn, attachments, attachment_id)
    if row is None:
        return
    # a worker that was given up has not said whether the guest has it: only a detachment can free
    # a volume that a guest may write to
    if changes.get("given", row["status"] == Attach.ATTACHING):
        attached(conn, attachment_id, {}, now)
    else:
        end(conn, attachment_id, now)


def _settle_detach(
    conn: Connection, operation: Row, outcome: Op, changes: dict[str, Any]
) -> None:
    attachment_id, now = operation["payload"]["attachment_id"], clock.now()
    if outcome is Op.SUCCEEDED:
        end(conn, attachment_id, now)
    elif live.get(conn, attachments, attachment_id) is not None:
        # it is still there, as the guest said
        update(
            conn, attachment_id, {"status": Attach.ATTACHED, "updated_at": now},
            status=[Attach.DETACHING],
        )
        follow(conn, operation["second_id"], now)


def _settle_swap(
    conn: Connection, operation: Row, outcome: Op, changes: dict[str, Any]
) -> None:
    payload, now = operation["payload"], clock.now()
    if outcome is not Op.SUCCEEDED and not changes.get("swapped"):
        end(conn, payload["new_attachment_id"], now)
        update(
            conn, payload["attachment_id"], {"status": Attach.ATTACHED, "updated_at": now},
            status=[Attach.DETACHING],
        )
        follow(conn, operation["second_id"], now)
        return
    # the device goes on under the new volume
    conn.execute(
        sa.update(devices)
        .where(
            devices.c.attachment_id == payload["attachment_id"], devices.c.deleted_at.is_(None)
        )
        .values(
            volume_id=payload["new_volume_id"], attachment_id=payload["new_attachment_id"],
            updated_at=now,
        )
    )
    attached(conn, payload["new_attachment_id"], {}, now)
    end(conn, payload["attachment_id"], now)


_BY_KIND = {
    "server.attach_volume": _settle_attach,
    "server.detach_volume": _settle_detach,
    "server.swap_volume": _settle_swap,
}


def settle_volume(
    conn: Connection, operation: Row, outcome: Op, changes: dict[str, Any],
    now: datetime.datetime,
) -> list[Row]:
    """End an operation on a volume. One that was made for a server is reserved for it now."""
    followers = volumes.settle(conn, operation, outcome, changes, now)
    if operation["kind"] == "volume.create" and outcome is Op.SUCCEEDED:
        follow(conn, operation["resource_id"], now)
    return followers


def server_built(conn: Connection, server_id: str, now: datetime.datetime) -> None:
    """A new server has all its volumes."""
    for row in disks_of(conn, server_id):
        attached(conn, row["id"], {}, now)


def server_failed(conn: Connection, server_id: str, now: datetime.datetime) -> None:
    """A server could not be built, and no host has its volumes: they are reserved for it until it
    is deleted."""
    values = {
        "status": Attach.RESERVED, "host": None, "connector": None, "connection_info": None,
        "updated_at": now,
    }
    for row in full(conn, server_id=server_id):
        update(conn, row["id"], values, status=[Attach.ATTACHING])
        follow(conn, row["volume_id"], now)


def server_gone(conn: Connection, operation: Row, now: datetime.datetime) -> list[Row]:
    """A server is deleted: its volumes are free, and those go that were to go with it; the
    operations that remove them."""
    server_id = operation["resource_id"]
    made: list[Row] = []
    for row in full(conn, server_id=server_id):
        end(conn, row["id"], now)
        if row["delete_on_termination"]:
            made += volume_removal.begin(conn, operation, row["volume_id"], now)
    block_devices.forget(conn, now, server_id=server_id)
    return made
