"""Let a volume grow, also while a guest uses it."""

from typing import Any

from mycloud.common.states import Attach
from mycloud.compute.rpcapi import ComputeAPI
from mycloud.journal.runner import Plan, Step
from mycloud.objects.attachment import AttachmentList
from mycloud.objects.operation import Operation
from mycloud.volume.drivers.base import GIB, VolumeDriver
from mycloud.volume.exports.board import Board


def plan(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of volume.extend. What can't grow online was refused before it was accepted."""
    name = operation.volume.backend_name
    size: int = operation.payload["size_gb"]

    def tell_guests() -> None:
        for attachment in AttachmentList.of_volume(context, operation.resource_id):
            if attachment.status == Attach.ATTACHED and attachment.server_id:
                ComputeAPI().extend_volume(
                    context, attachment.host, attachment.server_id,
                    volume={"id": attachment.volume_id, "size_bytes": size * GIB},
                )

    steps = [
        Step(
            "extend",
            do=lambda: driver.extend(name, size),
            done=lambda: driver.size_gb(name) >= size,
        )
    ]
    if operation.payload.get("online"):
        steps.append(Step("tell_guests", do=tell_guests))
    return Plan(steps=steps, result=lambda: {"size_gb": size})
