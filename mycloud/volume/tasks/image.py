"""Images into volumes, and volumes into images."""

from typing import Any

from mycloud.disk.image_spec import ImageSpec
from mycloud.journal.runner import Plan, Step
from mycloud.objects.image_upload import ImageUpload
from mycloud.objects.operation import Operation
from mycloud.volume import images
from mycloud.volume.drivers.base import VolumeDriver
from mycloud.volume.exports.board import Board
from mycloud.volume.tasks import snapshot as snapshots


def fill(
    driver: VolumeDriver, context: Any, operation: Operation, image: dict[str, Any]
) -> Step:
    """Write an image to the beginning of the operation's volume. One that was cut off is begun
    anew: nobody can tell how far it was."""
    volume = operation.volume

    def write() -> None:
        state_dir, size = driver.settings.state_dir, volume.size_gb
        with images.brought(context, ImageSpec(**image), state_dir, size_gb=size) as found:
            source, virtual_size = found
            driver.copy_in(volume.backend_name, source, virtual_size)

    return Step("fill", do=write)


def reimage(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of volume.reimage; what was there is gone once it has begun."""
    payload = operation.payload
    return Plan(
        steps=[fill(driver, context, operation, payload["image"])],
        result=lambda: {"image_metadata": payload["image_metadata"], "bootable": True},
    )


def upload(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of volume.upload_image. If it fails, the image goes with the operation.

    ``payload["in_use"]``: guests may write to the volume; what it holds at one moment is uploaded.
    """
    name, payload = operation.volume.backend_name, operation.payload
    image_id, disk_format = payload["image_id"], payload["disk_format"]
    kept = f"upload-{operation.id}"

    def stored() -> bool:
        return bool(ImageUpload.is_stored(context, image_id))

    def send(which: str) -> Step:
        return Step(
            "upload",
            do=lambda: images.upload(context, driver, which, image_id, disk_format),
            done=stored,
        )

    if not payload.get("in_use"):
        return Plan(steps=[send(name)])

    def keep() -> None:
        snapshots.keep(driver, board, context, operation.volume, kept)

    def copy() -> None:
        driver.create_from_snapshot(name, kept, kept, operation.volume.size_gb)

    def drop() -> None:
        driver.delete(kept)
        driver.delete_snapshot(name, kept)

    def gone() -> bool:
        return not driver.exists(kept) and not driver.snapshot_exists(name, kept)

    return Plan(
        steps=[
            Step(
                "keep",
                do=keep,
                done=lambda: driver.snapshot_exists(name, kept) or stored(),
                undo=lambda: driver.delete_snapshot(name, kept),
            ),
            Step(
                "copy",
                do=copy,
                done=lambda: driver.exists(kept) or stored(),
                undo=lambda: driver.delete(kept),
            ),
            send(kept),
            Step("drop", do=drop, done=gone),
        ]
    )
