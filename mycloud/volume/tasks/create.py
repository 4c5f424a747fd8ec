"""Make a volume: empty, from a snapshot, from another volume, from a backup, or from an image."""

from collections.abc import Callable
from typing import Any

from mycloud.journal.runner import Plan, Step
from mycloud.objects.operation import Operation
from mycloud.volume.drivers.base import VolumeDriver
from mycloud.volume.exports.board import Board
from mycloud.volume.tasks import backup, image


def plan(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of volume.create. ``payload["source"]`` says what it is made from."""
    volume = operation.volume
    name = volume.backend_name
    source: dict[str, Any] = operation.payload.get("source") or {}

    def undo() -> None:
        driver.delete(name)

    return Plan(
        steps=[
            Step(
                "create",
                do=_maker(driver, operation, source),
                done=lambda: driver.exists(name),
                undo=undo,
            ),
            *_fillers(driver, context, operation, source),
        ]
    )


def _fillers(
    driver: VolumeDriver, context: Any, operation: Operation, source: dict[str, Any]
) -> list[Step]:
    """What fills a volume that was made empty."""
    if "backup" in source:
        return [backup.restore_to_new(driver, context, operation, source["backup"])]
    if "image" in source:
        return [image.fill(driver, context, operation, source["image"])]
    return []


def _maker(
    driver: VolumeDriver, operation: Operation, source: dict[str, Any]
) -> Callable[[], None]:
    volume = operation.volume
    name, size = volume.backend_name, volume.size_gb
    if "snapshot" in source:
        return lambda: driver.create_from_snapshot(
            source["snapshot_volume"], source["snapshot"], name, size
        )
    if "volume" in source:
        return lambda: driver.clone(source["volume"], name, size)
    return lambda: driver.create(name, size, pool=volume.pool or None)
