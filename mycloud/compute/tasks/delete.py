"""Remove a server from its host."""

from typing import Any

from mycloud.common.states import Power
from mycloud.compute.drivers.base import ComputeDriver
from mycloud.compute.tasks import volumes
from mycloud.journal.runner import Plan, Step
from mycloud.objects.operation import Operation


def plan(driver: ComputeDriver, context: Any, operation: Operation) -> Plan:
    """The steps of server.delete; nothing of it is ever undone."""
    server_id = operation.resource_id
    return Plan(
        steps=[
            Step(
                "destroy",
                do=lambda: driver.destroy(server_id),
                done=lambda: driver.guest(server_id) is None,
            ),
            Step(
                "delete_disk",
                do=lambda: driver.delete_disk(server_id),
                done=lambda: not driver.has_files(server_id),
            ),
            *(
                [Step("let_go", do=lambda: volumes.let_go(driver, context, server_id))]
                if operation.payload.get("volumes")
                else []
            ),
        ],
        result=lambda: {"power_state": Power.NOSTATE},
    )
