"""Snapshots of volumes, also of those that guests write to."""

from typing import Any

from mycloud.common import exceptions
from mycloud.common.states import Attach
from mycloud.compute.rpcapi import ComputeAPI
from mycloud.journal.runner import Plan, Step
from mycloud.objects.attachment import Attachment, AttachmentList
from mycloud.objects.operation import Operation
from mycloud.objects.volume import Volume
from mycloud.objects.volume_snapshot import VolumeSnapshot
from mycloud.volume.drivers.base import VolumeDriver
from mycloud.volume.exports.board import Board


def create(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of snapshot.create."""
    found = VolumeSnapshot.get(context, operation.resource_id)
    name, snapshot = found.volume.backend_name, found.id
    told: dict[str, Any] = {}

    def take() -> None:
        told.update(keep(driver, board, context, found.volume, snapshot))

    return Plan(
        steps=[
            Step(
                "snapshot",
                do=take,
                done=lambda: driver.snapshot_exists(name, snapshot),
                undo=lambda: driver.delete_snapshot(name, snapshot),
            )
        ],
        result=lambda: told,
    )


def keep(
    driver: VolumeDriver, board: Board, context: Any, volume: Volume, snapshot: str
) -> dict[str, Any]:
    """Keep what a volume holds at this moment, whoever writes to it, under the name of a
    snapshot. Returns ``quiesced`` where a guest was asked.

    :raises InvalidVolume: nobody can copy it
    :raises BackendFull: :raises VolumeNotOnBackend:
    """
    name = volume.backend_name
    users = [
        each
        for each in AttachmentList.of_volume(context, volume.id)
        if each.status in (Attach.ATTACHED, Attach.DETACHING) and each.writable
    ]
    if not users or driver.atomic_snapshots:
        driver.snapshot(name, snapshot)
        return {}
    told = {}
    target = driver.begin_snapshot(name, snapshot)
    # whoever writes to it copies it: no other place knows what is on its way
    if not any(board.copy(each.id, target) for each in users):
        told["quiesced"] = _ask_guests(context, users, str(target.path), target.format)
    driver.commit_snapshot(name, snapshot)
    return told


def _ask_guests(
    context: Any, users: list[Attachment], path: str, disk_format: str
) -> bool | None:
    """Let the host of a guest copy the volume; whether the guest was at rest meanwhile."""
    if len(users) > 1:
        raise exceptions.InvalidVolume(
            reason="several servers write to it, so no copy of one moment can be made on this "
            "backend; detach it from all but one."
        )
    [user] = users
    if user.server_id is None or user.host is None:
        raise exceptions.InvalidVolume(
            reason="a host outside of this cloud writes to it; detach it first."
        )
    quiesced: bool | None = ComputeAPI().copy_volume(
        context, user.host, user.server_id,
        target={
            "volume_id": user.volume_id,
            "path": path,
            "format": disk_format,
            "attachment_id": user.id if user.encrypted else None,
        },
    )
    return quiesced


def delete(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of snapshot.delete."""
    found = VolumeSnapshot.get(context, operation.resource_id)
    name, snapshot = found.volume.backend_name, found.id
    return Plan(
        steps=[
            Step(
                "delete",
                do=lambda: driver.delete_snapshot(name, snapshot),
                done=lambda: not driver.snapshot_exists(name, snapshot),
            )
        ]
    )
