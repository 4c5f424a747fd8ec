"""Make an image of a server that boots from a volume: snapshots of its volumes, and an image
without data that names them. Nothing is copied, and no host has anything to do.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import exceptions, states
from mycloud.common.context import RequestContext
from mycloud.compute import rpcapi
from mycloud.compute.requests import submit
from mycloud.compute.requests.devices.device import LOCAL, OF_IMAGE, SNAPSHOT, VOLUME
from mycloud.compute.requests.devices.find import image_properties
from mycloud.db import block_devices, engine, journal, servers, volumes
from mycloud.image import registration
from mycloud.journal import submit as journal_submit
from mycloud.volume.requests import snapshots

Row = Mapping[str, Any]

KIND = "server.create_image"


def devices_of(server: Row) -> list[Row]:
    """The devices of a server that boots from a volume; none for another one."""
    with engine.reader() as conn:
        held = block_devices.of_servers(conn, [server["id"]])[server["id"]]
    return held if any(each["boot_index"] == 0 for each in held) else []


def create(
    context: RequestContext, server: Row, wanted: Mapping[str, Any], *, key: str | None = None
) -> tuple[str, str]:
    """The image's id and that of the operation, which has ended.

    ``wanted``: attributes and properties of the image.

    :raises InvalidVolume: a snapshot can't be taken of one now
    :raises ServerVolumesExceeded: the project may not have as many snapshots
    :raises ImageQuotaExceeded: :raises StateConflict: :raises OperationInProgress:
    :raises ServerLocked:
    """
    asked = journal_submit.digest(KIND, [server["id"], dict(wanted)])
    scoped = journal_submit.scoped_key(context, key)
    return _create(context, server, wanted, (scoped, asked))


@journal_submit.once_per_key
@engine.retried
def _create(
    context: RequestContext, server: Row, wanted: Mapping[str, Any], once: tuple[str | None, str]
) -> tuple[str, str]:
    key, asked = once
    with engine.writer() as conn:
        done = journal_submit.replay(conn, key, asked)
        if done is not None:
            return done["payload"]["image_id"], done["id"]
        server = servers.hold(conn, server["id"])
        submit.check_lock(context, server)
        transition = states.SERVER[KIND]
        if server["operation_id"] is not None or server["vm_state"] not in transition.before:
            submit.refuse(conn, server, transition.action)
        held = block_devices.of_servers(conn, [server["id"]])[server["id"]]
        operations = []
        documents = []
        for each in held:
            taken = None
            if each["volume_id"] is not None:
                taken, operation = _take(conn, context, each, str(wanted["name"]))
                operations.append(operation)
            documents.append(_document(each, taken))
        image = _image(conn, context, wanted, held, documents)
        registration.insert(conn, image)
        told = submit.new_operation(
            context, KIND, server["id"], topic=rpcapi.TOPIC, host=server["host"],
            project_id=server["project_id"], payload={"image_id": image["id"]},
            idempotency_key=key, idempotency_digest=asked if key else None,
        )
        journal.insert(conn, journal_submit.done(told))
        journal.insert(conn, *operations)
    journal_submit.ring(context, *operations)
    return image["id"], told["id"]


def _take(
    conn: Connection, context: RequestContext, device: Row, name: str
) -> tuple[Row, dict[str, Any]]:
    spec = snapshots.SnapshotSpec(
        volume_id=device["volume_id"], name=f"snapshot for {name}"[:255], force=True
    )
    volume = volumes.get(conn, device["volume_id"])
    try:
        return snapshots.insert(conn, context, volume, spec)
    except exceptions.VolumeQuotaExceeded as error:
        raise exceptions.ServerVolumesExceeded(reason=error.message) from error


def _document(device: Row, snapshot: Row | None) -> dict[str, Any]:
    """A device as block_device_mapping_v2 has it; of a volume its snapshot takes the place."""
    return {
        "source_type": SNAPSHOT if snapshot else device["source_type"],
        "destination_type": VOLUME if snapshot else LOCAL,
        "snapshot_id": snapshot["id"] if snapshot else None,
        "volume_id": None,
        "image_id": None,
        "volume_size": snapshot["size_gb"] if snapshot else device["volume_size"],
        "volume_type": None,
        "boot_index": device["boot_index"],
        "device_name": device["device_name"],
        "device_type": device["device_type"],
        "disk_bus": device["disk_bus"],
        "guest_format": device["guest_format"],
        "delete_on_termination": device["delete_on_termination"],
        "no_device": None,
        "tag": device["tag"],
    }


def _image(
    conn: Connection,
    context: RequestContext,
    wanted: Mapping[str, Any],
    held: Sequence[Row],
    documents: list[dict[str, Any]],
) -> dict[str, Any]:
    root = next(each for each in held if each["boot_index"] == 0)
    kept = volumes.get(conn, root["volume_id"])["image_metadata"] or {}
    image = registration.new(
        context,
        {
            **image_properties(kept),
            **wanted,
            OF_IMAGE: json.dumps(documents),
            "bdm_v2": "True",
            "root_device_name": root["device_name"],
            "disk_format": "raw",
            "min_ram": int(kept["min_ram"]) if str(kept.get("min_ram")).isdigit() else 0,
            "min_disk": 0,
        },
    )
    return {**image, "status": states.Image.ACTIVE, "size": 0}
