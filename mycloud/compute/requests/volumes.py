"""Attach volumes to servers, detach and swap them, as the API asks for it.

The device is checked before anything else, then one transaction reserves the volume and writes the
operation, then the server's host is rung. A tenant can't get at an attachment but through its
server.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions, states
from mycloud.common.context import RequestContext
from mycloud.common.states import Attach
from mycloud.compute import rpcapi
from mycloud.compute.requests import submit
from mycloud.db import attachments, block_devices, engine, journal, servers, volumes
from mycloud.journal import submit as journal_submit

Row = Mapping[str, Any]

_DEVICE = re.compile(r"/dev/(x?[a-z]?d?[a-z]+[0-9]*)")
#: How names of disks begin on a bus.
PREFIXES = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd"}
DEFAULT_BUS = "virtio"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
#: Disks that a server has at most.
MOST = len(_LETTERS)
_ROOT = "/dev/vda"


@dataclass(frozen=True)
class AttachSpec:
    """What the caller asks for. ``device``: a path, or None to have one chosen."""

    volume_id: str
    device: str | None = None
    tag: str | None = None
    delete_on_termination: bool = False
    #: the caller knows of volumes that several servers have
    multiattach: bool = True


@dataclass(frozen=True)
class Attached:
    """The device's row as it was reserved, and the operation that attaches the volume."""

    device: Row
    operation_id: str


def check_device(path: str | None) -> None:
    """:raises InvalidDevicePath: for what is no path of a disk"""
    if path is not None and not _DEVICE.fullmatch(path):
        raise exceptions.InvalidDevicePath(path=path[:100])


def taken_names(server: Row, held: Sequence[Row]) -> list[str]:
    """The names that the disks of a server have. ``held``: its devices."""
    taken = [each["device_name"] for each in held if each["device_name"]]
    if all(each["boot_index"] != 0 for each in held):
        taken.append(_ROOT)
    if all(each["destination_type"] != "local" for each in held):
        # those of its flavor, which nobody has named
        for _ in range(bool(server["ephemeral_gb"]) + bool(server["swap_mb"])):
            taken.append(next_device(taken))
    return taken


def next_device(taken: Sequence[str], bus: str = DEFAULT_BUS) -> str:
    """The first name that no disk has.

    :raises Invalid: there are too many disks
    """
    prefix = PREFIXES.get(bus, "vd")
    for letter in _LETTERS:
        if f"/dev/{prefix}{letter}" not in taken:
            return f"/dev/{prefix}{letter}"
    raise exceptions.Invalid(f"A server has at most {MOST} disks.")


# -- attach ------------------------------------------------------------------------------------


def attach(
    context: RequestContext, server: Row, spec: AttachSpec, *, key: str | None = None
) -> Attached:
    """Reserve a volume for a server and start to attach it.

    :raises InvalidDevicePath: before anything else
    :raises DeviceInUse: :raises ServerLocked: :raises StateConflict:
    :raises VolumeNotFound: :raises InvalidVolume: the volume is not there for that
    """
    check_device(spec.device)
    return _attach(context, server, spec, key)


@engine.retried
def _attach(
    context: RequestContext, server: Row, spec: AttachSpec, key: str | None
) -> Attached:
    kind = "server.attach_volume"
    asked = journal_submit.digest(kind, [server["id"], vars(spec)])
    scoped = journal_submit.scoped_key(context, key)
    with engine.writer() as conn:
        done = journal_submit.replay(conn, scoped, asked)
        if done is not None:
            device = block_devices.of_attachment(conn, done["payload"]["attachment_id"])
            return Attached(device, done["id"])
        server = _ready(conn, context, server, kind)
        volume = volumes.get(conn, spec.volume_id, project_id=_reach(context, server))
        if volume["multiattach"] and not spec.multiattach:
            raise exceptions.MultiattachTooOld()
        device = _reserve(conn, server, volume, spec)
        operation = _operation(
            context, server, kind, volume["id"],
            {"attachment_id": device["attachment_id"], "volume_id": volume["id"]},
        )
        if scoped:
            operation |= {"idempotency_key": scoped, "idempotency_digest": asked}
        journal.insert(conn, operation)
    journal_submit.ring(context, operation)
    return Attached(device, operation["id"])


def _reach(context: RequestContext, server: Row) -> str:
    """Volumes come from the server's own project, whoever asks."""
    found: str = server["project_id"]
    return found


def _ready(conn: Connection, context: RequestContext, server: Row, kind: str) -> Row:
    """The server as it is now, held until the transaction ends, if it can take the operation.

    :raises ServerLocked: :raises OperationInProgress: :raises StateConflict:
    """
    row = servers.hold(conn, server["id"])
    submit.check_lock(context, row)
    beside = states.BESIDE[kind]
    if row["operation_id"] is not None or row["vm_state"] not in beside.before:
        submit.refuse(conn, row, beside.action)
    if row["host"] is None:
        raise exceptions.ServerNotReady(server_id=row["id"])
    return row


def _operation(
    context: RequestContext, server: Row, kind: str, volume_id: str, payload: dict[str, Any]
) -> dict[str, Any]:
    return submit.new_operation(
        context, kind, server["id"], topic=rpcapi.TOPIC, host=server["host"],
        project_id=server["project_id"], second_id=volume_id, payload=payload,
    )


def _reserve(
    conn: Connection, server: Row, volume: Row, spec: AttachSpec
) -> dict[str, Any]:
    held = block_devices.of_servers(conn, [server["id"]])[server["id"]]
    if any(each["volume_id"] == volume["id"] for each in held):
        raise exceptions.InvalidVolume(
            reason=f"volume {volume['id']} is already attached to server {server['id']}."
        )
    taken = taken_names(server, held)
    if spec.device is not None and spec.device in taken:
        raise exceptions.DeviceInUse(path=spec.device)
    name = spec.device or next_device(taken)
    attachment = attachments.reserve(
        conn, volume, {"server_id": server["id"], "host": server["host"], "mountpoint": name}
    )
    row = device_row(
        server["id"],
        source_type="volume",
        volume_id=volume["id"],
        attachment_id=attachment["id"],
        device_name=name,
        tag=spec.tag,
        volume_size=volume["size_gb"],
        delete_on_termination=spec.delete_on_termination,
    )
    block_devices.insert(conn, [row])
    return row


def device_row(server_id: str, **values: Any) -> dict[str, Any]:
    """A new row of block_devices, with every column that a request can fill."""
    return {
        "id": clock.new_id(),
        "server_id": server_id,
        "source_type": "volume",
        "destination_type": "volume",
        "source_id": None,
        "volume_id": None,
        "attachment_id": None,
        "boot_index": None,
        "device_name": None,
        "disk_bus": None,
        "device_type": "disk",
        "guest_format": None,
        "tag": None,
        "volume_size": None,
        "volume_type_id": None,
        "delete_on_termination": False,
        "created_at": clock.now(),
        **values,
    }


# -- detach and swap ---------------------------------------------------------------------------


@engine.retried
def detach(
    context: RequestContext, server: Row, volume_id: str, *, key: str | None = None
) -> str:
    """Start to take a volume away from a server; the operation's id.

    :raises ServerHasNoVolume: :raises RootVolume: :raises InvalidVolume:
    :raises ServerLocked: :raises StateConflict:
    """
    kind = "server.detach_volume"
    asked = journal_submit.digest(kind, [server["id"], volume_id])
    scoped = journal_submit.scoped_key(context, key)
    with engine.writer() as conn:
        done = journal_submit.replay(conn, scoped, asked)
        if done is not None:
            found: str = done["id"]
            return found
        server = _ready(conn, context, server, kind)
        device = _held(conn, server, volume_id, "detach")
        _begin_detaching(conn, device)
        operation = _operation(
            context, server, kind, volume_id,
            {"attachment_id": device["attachment_id"], "volume_id": volume_id},
        )
        if scoped:
            operation |= {"idempotency_key": scoped, "idempotency_digest": asked}
        journal.insert(conn, operation)
    journal_submit.ring(context, operation)
    operation_id: str = operation["id"]
    return operation_id


def _held(conn: Connection, server: Row, volume_id: str, action: str) -> Row:
    device = block_devices.of_volume(conn, server["id"], volume_id)
    if device is None or device["attachment_id"] is None:
        raise exceptions.ServerHasNoVolume(server_id=server["id"], volume_id=volume_id)
    if device["boot_index"] == 0:
        raise exceptions.RootVolume(action=action)
    return device


def _begin_detaching(conn: Connection, device: Row) -> None:
    now = clock.now()
    moved = attachments.update(
        conn, device["attachment_id"], {"status": Attach.DETACHING, "updated_at": now},
        status=[Attach.ATTACHED, Attach.ERROR_DETACHING],
    )
    if not moved:
        row = attachments.get(conn, device["attachment_id"])
        raise exceptions.InvalidVolume(
            reason=f"volume {device['volume_id']} is {row['status']} and not attached, so it "
            "can't be detached or swapped; wait until that has ended."
        )
    attachments.follow(conn, device["volume_id"], now)


@engine.retried
def swap(
    context: RequestContext, server: Row, old_id: str, new_id: str, *, key: str | None = None
) -> str:
    """Start to copy a volume of a running server to another one, and to use that from then on;
    the operation's id.

    :raises ServerHasNoVolume: :raises VolumeNotFound: :raises InvalidVolume:
    :raises ServerLocked: :raises StateConflict:
    """
    kind = "server.swap_volume"
    with engine.writer() as conn:
        server = _ready(conn, context, server, kind)
        device = block_devices.of_volume(conn, server["id"], old_id)
        if device is None or device["attachment_id"] is None:
            raise exceptions.ServerHasNoVolume(server_id=server["id"], volume_id=old_id)
        old = volumes.get(conn, old_id)
        new = volumes.get(conn, new_id, project_id=server["project_id"])
        _check_swap(conn, old, new)
        attachment = attachments.reserve(
            conn, new,
            {
                "server_id": server["id"], "host": server["host"],
                "mountpoint": device["device_name"],
            },
        )
        _begin_detaching(conn, device)
        operation = _operation(
            context, server, kind, old_id,
            {
                "attachment_id": device["attachment_id"],
                "volume_id": old_id,
                "new_attachment_id": attachment["id"],
                "new_volume_id": new_id,
            },
        )
        journal.insert(conn, operation)
    journal_submit.ring(context, operation)
    operation_id: str = operation["id"]
    return operation_id


def _check_swap(conn: Connection, old: Row, new: Row) -> None:
    if new["size_gb"] < old["size_gb"]:
        raise exceptions.InvalidVolume(
            reason=f"the new volume has {new['size_gb']} GiB, but {old['size_gb']} are needed."
        )
    if old["multiattach"] and len(attachments.of_volumes(conn, [old["id"]])[old["id"]]) > 1:
        raise exceptions.VolumeInUse(
            volume_id=old["id"],
            reason="several servers use it, so it can't be swapped; detach it from the others.",
        )
    if old["encrypted"] or new["encrypted"]:
        raise exceptions.InvalidVolume(
            reason="an encrypted volume can't be swapped while it is in use; detach it, and copy "
            "it in a server that has both."
        )


# -- questions ---------------------------------------------------------------------------------


def of_server(server: Row) -> list[Row]:
    """The devices of a server that are volumes."""
    with engine.reader() as conn:
        rows = block_devices.of_servers(conn, [server["id"]])[server["id"]]
    return [row for row in rows if row["attachment_id"] is not None]


def one(server: Row, volume_id: str) -> Row:
    """:raises ServerHasNoVolume:"""
    for row in of_server(server):
        if row["volume_id"] == volume_id:
            return row
    raise exceptions.ServerHasNoVolume(server_id=server["id"], volume_id=volume_id)


def of_servers(server_ids: Sequence[str]) -> dict[str, list[Row]]:
    """The devices of servers, by server; one statement at most."""
    if not server_ids:
        return {}
    with engine.reader() as conn:
        return block_devices.of_servers(conn, server_ids)


def root_name(held: Sequence[Row]) -> str:
    """The name of the disk that a server with these devices boots from."""
    for each in held:
        if each["boot_index"] == 0 and each["device_name"]:
            name: str = each["device_name"]
            return name
    return _ROOT
