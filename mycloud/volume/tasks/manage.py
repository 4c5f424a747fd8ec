"""What lies on a storage already becomes a volume, and a volume becomes what just lies there."""

from typing import Any

from mycloud.journal.runner import Plan, Step
from mycloud.objects.operation import Operation
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


def _ignored(_result: object) -> None:
    """A step returns nothing."""
