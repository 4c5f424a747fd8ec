"""Let a server use another volume in the place of one that it has, with what that one holds."""

from typing import Any

from mycloud.compute.drivers.base import ComputeDriver
from mycloud.compute.tasks import volumes
from mycloud.journal.runner import Plan, Step
from mycloud.objects.operation import Operation

#: in the payload: the guest may use the new volume
_SWAPPING = "swapping"


def plan(driver: ComputeDriver, context: Any, operation: Operation) -> Plan:
    """The steps of server.swap_volume. Once the guest uses the new volume, nothing goes back: only
    the guest says what it uses, and the record follows it, whatever fails then."""
    server_id, payload = operation.resource_id, operation.payload
    host = str(operation.host)
    old = volumes.Connection(driver, context, host, payload["attachment_id"])
    new = volumes.Connection(driver, context, host, payload["new_attachment_id"])

    def has_new() -> bool:
        # nobody asks it to before this is written down
        return bool(payload.get(_SWAPPING)) and driver.uses(server_id, new.disk())

    def swap() -> None:
        disk = new.disk()
        operation.take_all_time(**{_SWAPPING: True})
        driver.swap_volume(server_id, payload["volume_id"], disk)

    def encrypt() -> None:
        # a step of its own: once it is being filled, nobody else can open it
        driver.prepare_encryption(new.disk())

    def abort() -> None:
        if not has_new():
            driver.abort_swap(server_id, payload["volume_id"])

    def let_go() -> None:
        if not has_new():
            new.close()

    return Plan(
        steps=[
            Step("connect", do=new.open, undo=let_go),
            *([Step("encrypt", do=encrypt)] if new.attachment.encrypted else []),
            Step(
                "swap",
                do=swap,
                done=lambda: has_new() and driver.swapped(server_id, new.disk()),
                undo=abort,
            ),
            Step("disconnect", do=old.close),
        ],
        after_failure=lambda: {"swapped": volumes.asked(has_new)},
    )
