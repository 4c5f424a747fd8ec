"""Make an image of a server's disk."""

from typing import Any

from mycloud.compute.drivers.base import ComputeDriver
from mycloud.disk import image_upload
from mycloud.journal.runner import Plan, Step
from mycloud.objects.image_upload import ImageUpload
from mycloud.objects.operation import Operation


def plan(driver: ComputeDriver, context: Any, operation: Operation) -> Plan:
    """The steps of server.create_image. If it fails, the image goes with the operation."""
    server_id = operation.resource_id
    image_id = operation.payload["image_id"]

    def stored() -> bool:
        return bool(ImageUpload.is_stored(context, image_id))

    def copied() -> bool:
        return driver.snapshot(server_id, image_id) is not None

    def upload() -> None:
        # made again if somebody has removed it since
        copy = driver.snapshot(server_id, image_id) or driver.take_snapshot(server_id, image_id)
        image_upload.send(context, image_id, copy.path, copy.disk_format)

    def drop() -> None:
        driver.drop_snapshot(server_id, image_id)

    return Plan(
        steps=[
            Step(
                "snapshot",
                do=lambda: _ignored(driver.take_snapshot(server_id, image_id)),
                done=lambda: copied() or stored(),
                undo=drop,
            ),
            Step("upload", do=upload, done=stored),
            Step("drop_snapshot", do=drop, done=lambda: not copied()),
        ],
    )


def _ignored(_result: object) -> None:
    """A step returns nothing."""
