"""Let a volume hold again what it held when a snapshot was taken."""

from typing import Any

from mycloud.journal.runner import Plan, Step
from mycloud.objects.operation import Operation
from mycloud.volume.drivers.base import VolumeDriver
from mycloud.volume.exports.board import Board


def plan(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of volume.revert. Once more is the same, and there is no way back."""
    name, snapshot = operation.volume.backend_name, operation.payload["snapshot_id"]
    return Plan(steps=[Step("revert", do=lambda: driver.revert(name, snapshot))])
