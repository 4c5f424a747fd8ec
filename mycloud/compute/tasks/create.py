"""Build a server: image in the cache, disk, guest."""

from typing import Any

from mycloud.common.states import Power
from mycloud.compute import guest_spec
from mycloud.compute.drivers.base import ComputeDriver
from mycloud.compute.tasks import volumes
from mycloud.disk.image_source import Neighbours, fetcher
from mycloud.journal.runner import Plan, Step
from mycloud.objects.operation import Operation


def plan(driver: ComputeDriver, context: Any, operation: Operation) -> Plan:
    """The steps of server.create."""
    server = operation.server
    disks = volumes.NewDisks(driver, context, operation)
    spec = guest_spec.build(server, operation.payload)
    image = spec.image
    neighbours = Neighbours(str(operation.host), driver.settings.pki_dir)

    def undo_guest() -> None:
        driver.destroy(server.id)

    def undo_disk() -> None:
        driver.delete_disk(server.id)

    return Plan(
        steps=[
            *disks.steps(),
            Step(
                "image",
                do=lambda: driver.ensure_image(
                    image, fetcher(context, image, neighbours=neighbours)
                ),
                done=lambda: image is None or driver.image_ready(image),
            ),
            Step(
                "disk",
                do=lambda: driver.create_disk(disks.added_to(spec)),
                done=lambda: driver.disk_ready(disks.added_to(spec)),
                undo=undo_disk,
            ),
            Step(
                "spawn",
                do=lambda: driver.spawn(disks.added_to(spec)),
                done=lambda: driver.spawned(server.id),
                undo=undo_guest,
            ),
        ],
        result=lambda: {"power_state": Power.RUNNING},
        after_failure=lambda: {"power_state": Power.NOSTATE},
    )
