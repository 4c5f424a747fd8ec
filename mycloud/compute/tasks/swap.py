"""Let a server use another volume in the place of one that it has, with what that one holds."""

from typing import Any

from mycloud.compute.drivers.base import ComputeDriver
from mycloud.compute.tasks import volumes
from mycloud.journal.runner import Plan, Step
from mycloud.objects.operation import Operation


def plan(driver: ComputeDriver, context: Any, operation: Operation) -> Plan:
    """The steps of server.swap_volume. Once the guest uses the new volume, nothing goes back."""
    server_id, payload = operation.resource_id, operation.payload
    host = str(operation.host)
    old = volumes.Connection(driver, context, host, payload["attachment_id"])
    new = volumes.Connection(driver, context, host, payload["new_attachment_id"])

    def swapped() -> bool:
        return driver.swapped(server_id, new.disk())

    def encrypt() -> None:
        # a step of its own: once it is being filled, nobody else can open it
        driver.prepare_encryption(new.disk())

    def abort() -> None:
        if not swapped():
            driver.abort_swap(server_id, payload["volume_id"])

    return Plan(
        steps=[
            Step("connect", do=new.open, undo=new.close),
            *([Step("encrypt", do=encrypt)] if new.attachment.encrypted else []),
            Step(
                "swap",
                do=lambda: driver.swap_volume(server_id, payload["volume_id"], new.disk()),
                done=swapped,
                undo=abort,
            ),
            Step("disconnect", do=old.close),
        ],
        result=new.columns,
    )
