"""What lies on a storage already becomes a volume or a snapshot, and the other way round."""

from typing import Any

from mycloud.journal.runner import Plan, Step
from mycloud.objects.operation import Operation
from mycloud.objects.volume_snapshot import VolumeSnapshot
from mycloud.volume.drivers.base import VolumeDriver
from mycloud.volume.exports.board import Board


def manage(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of volume.manage."""
    name = operation.volume.backend_name
    return Plan(
        steps=[
            Step(
                "manage",
                do=lambda: _ignored(driver.manage(operation.payload["reference"], name)),
                done=lambda: driver.exists(name),
                # what was there before stays
                undo=lambda: driver.unmanage(name) if driver.exists(name) else None,
            )
        ],
        result=lambda: {"size_gb": driver.size_gb(name)},
    )


def unmanage(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of volume.unmanage; it can be managed again."""
    name = operation.volume.backend_name
    return Plan(
        steps=[
            Step(
                "unmanage",
                do=lambda: driver.unmanage(name),
                done=lambda: not driver.exists(name),
            )
        ]
    )


def manage_snapshot(
    driver: VolumeDriver, board: Board, context: Any, operation: Operation
) -> Plan:
    """The steps of snapshot.manage."""
    found = VolumeSnapshot.get(context, operation.resource_id)
    name, snapshot = found.volume.backend_name, found.id
    reference = operation.payload["reference"]

    def undo() -> None:
        if driver.snapshot_exists(name, snapshot):
            driver.unmanage_snapshot(name, snapshot)

    return Plan(
        steps=[
            Step(
                "manage",
                do=lambda: _ignored(driver.manage_snapshot(name, snapshot, reference)),
                done=lambda: driver.snapshot_exists(name, snapshot),
                undo=undo,
            )
        ]
    )


def unmanage_snapshot(
    driver: VolumeDriver, board: Board, context: Any, operation: Operation
) -> Plan:
    """The steps of snapshot.unmanage."""
    found = VolumeSnapshot.get(context, operation.resource_id)
    name, snapshot = found.volume.backend_name, found.id
    return Plan(
        steps=[
            Step(
                "unmanage",
                do=lambda: driver.unmanage_snapshot(name, snapshot),
                done=lambda: not driver.snapshot_exists(name, snapshot),
            )
        ]
    )


def _ignored(_result: object) -> None:
    """A step returns nothing."""
