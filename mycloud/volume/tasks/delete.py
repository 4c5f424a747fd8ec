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

    def end_exports() -> None:
        # an operator may have forced the volume out of a use that nobody ended
        for attachment in AttachmentList.of_volume(context, operation.resource_id):
            board.remove(attachment.id)

    def without(snapshot: str) -> Step:
        return Step(
            f"delete_snapshot {snapshot}",
            do=lambda: driver.delete_snapshot(name, snapshot),
            done=lambda: not driver.snapshot_exists(name, snapshot),
        )

    return Plan(
        steps=[
            *([Step("end_exports", do=end_exports)] if operation.payload.get("force") else []),
            *map(without, operation.payload.get("snapshots") or ()),
            Step(
                "delete", do=lambda: driver.delete(name), done=lambda: not driver.exists(name)
            ),
        ]
    )
