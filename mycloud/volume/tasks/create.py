"""Make a volume: empty, from a snapshot, from another volume, or from an image."""

from collections.abc import Callable
from typing import Any

from mycloud.disk.image_spec import ImageSpec
from mycloud.journal.runner import Plan, Step
from mycloud.objects.operation import Operation
from mycloud.volume import images
from mycloud.volume.drivers.base import VolumeDriver
from mycloud.volume.exports.board import Board

#: What a volume is called until its image is in it.
_UNFINISHED = "unfinished-"


def plan(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of volume.create. ``payload["source"]`` says what it is made from."""
    volume = operation.volume
    name = volume.backend_name
    source: dict[str, Any] = operation.payload.get("source") or {}

    def undo() -> None:
        driver.delete(name)

    if "image" in source:
        return _from_image(driver, context, operation, ImageSpec(**source["image"]))
    return Plan(
        steps=[
            Step(
                "create",
                do=_maker(driver, operation, source),
                done=lambda: driver.exists(name),
                undo=undo,
            )
        ]
    )


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


def _from_image(
    driver: VolumeDriver, context: Any, operation: Operation, image: ImageSpec
) -> Plan:
    """The bytes are fetched and checked, and the volume has its name only when they are in it."""
    volume = operation.volume
    name = volume.backend_name

    def fill() -> None:
        driver.delete(name)
        driver.create(name, volume.size_gb, pool=volume.pool or None)
        with images.brought(context, image, driver.settings.state_dir) as (source, size):
            driver.copy_in(name, source, size)

    # the backend can't tell whether all of the image is in it, so a fill that was begun is
    # begun anew
    return Plan(steps=[Step("fill", do=fill, undo=lambda: driver.delete(name))])
