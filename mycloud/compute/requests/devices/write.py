"""Write the devices of a new server, and the volumes that are made for it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.common.context import RequestContext
from mycloud.compute.requests import volumes as attaching
from mycloud.compute.requests.devices.device import (
    BLANK,
    VOLUME,
    Device,
    Disks,
    about,
    spec_of,
)
from mycloud.db import attachments, block_devices, volumes
from mycloud.volume.requests import create as volume_create

Row = Mapping[str, Any]


def write(
    conn: Connection, context: RequestContext, server: Row, disks: Disks
) -> list[dict[str, Any]]:
    """Take or make the volumes of a new server and write its devices, in this transaction; the
    operations that make volumes, which the caller writes and rings.

    :raises InvalidVolume: one is not available
    :raises ServerVolumesExceeded: the project may not have as many volumes
    """
    operations: list[dict[str, Any]] = []
    rows = []
    for each in disks.devices:
        volume = attachment = None
        if each.destination == VOLUME:
            values = {"server_id": server["id"], "mountpoint": each.name}
            if each.source == VOLUME:
                volume = volumes.get(
                    conn, str(each.source_id), project_id=server["project_id"]
                )
                attachment = attachments.reserve(conn, volume, values)
            else:
                volume, operation = _make(conn, context, server, each)
                operations.append(operation)
                attachment = attachments.promise(conn, volume, values)
        rows.append(_row(server, each, volume, attachment))
    block_devices.insert(conn, rows)
    return operations


def _make(
    conn: Connection, context: RequestContext, server: Row, device: Device
) -> tuple[Row, dict[str, Any]]:
    name = f"{server['id']}-blank-vol" if device.source == BLANK else ""
    spec = spec_of(device, name=name)
    with about(device):
        found = volume_create.find(conn, context, spec)
    try:
        return volume_create.insert(conn, context, spec, found)
    except exceptions.VolumeQuotaExceeded as error:
        raise exceptions.ServerVolumesExceeded(reason=error.message) from error


def _row(
    server: Row, device: Device, volume: Row | None, attachment: Row | None
) -> dict[str, Any]:
    return attaching.device_row(
        server["id"],
        source_type=device.source,
        destination_type=device.destination,
        source_id=device.source_id,
        volume_id=volume["id"] if volume else None,
        attachment_id=attachment["id"] if attachment else None,
        boot_index=device.boot_index,
        device_name=device.name,
        disk_bus=device.bus,
        device_type=device.type,
        guest_format=device.guest_format,
        tag=device.tag,
        volume_size=volume["size_gb"] if volume else device.size,
        volume_type_id=volume["volume_type_id"] if volume else None,
        delete_on_termination=device.delete_on_termination,
    )
