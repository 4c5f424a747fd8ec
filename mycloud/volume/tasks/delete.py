"""Give the space of a volume back, and of its snapshots if they are to go with it."""

from typing import Any

from mycloud.journal.runner import Plan, Step
from mycloud.objects.attachment import AttachmentList
from mycloud.objects.operation import Operation
from mycloud.volume.drivers.base import VolumeDriver
from mycloud.volume.exports.board import Board


def plan(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of volume.delete; nothing of it is ever undone."""
    name = operation.volume.backend_name

    snapshots: list[str] = operation.payload.get("snapshots") or []

    def remove() -> None:
        if operation.payload.get("force"):
            # an operator may have forced the volume out of a use that nobody ended
            for attachment in AttachmentList.of_volume(context, operation.resource_id):
                board.remove(attachment.id)
        for snapshot in snapshots:
            driver.delete_snapshot(name, snapshot)
        driver.delete(name)

    def removed() -> bool:
        return not driver.exists(name) and not any(
            driver.snapshot_exists(name, snapshot) for snapshot in snapshots
        )

    return Plan(steps=[Step("delete", do=remove, done=removed)])
