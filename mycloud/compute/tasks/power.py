"""Start, stop and reboot."""

from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from mycloud.common import states
from mycloud.compute.drivers.base import ComputeDriver, PowerState
from mycloud.compute.tasks import volumes
from mycloud.journal.runner import Plan, Step
from mycloud.objects.operation import Operation


def _powered(driver: ComputeDriver, server_id: str, *wanted: PowerState) -> bool:
    guest = driver.guest(server_id)
    return guest is not None and guest.power_state in wanted


def _power_column(driver: ComputeDriver, server_id: str) -> Callable[[], dict[str, Any]]:
    """What the hypervisor says now, as a column of the server."""

    def column() -> dict[str, Any]:
        guest = driver.guest(server_id)
        if guest is None:
            return {"power_state": states.Power.NOSTATE}
        return {"power_state": states.power_number(guest.power_state.value)}

    return column


def start(driver: ComputeDriver, context: Any, operation: Operation) -> Plan:
    """The steps of server.start."""
    server_id = operation.resource_id
    column = _power_column(driver, server_id)
    return Plan(
        steps=[
            Step(
                "power_on",
                do=lambda: driver.power_on(
                    server_id, volumes=volumes.disks(driver, context, operation)
                ),
                done=lambda: _powered(driver, server_id, PowerState.RUNNING),
            )
        ],
        result=column,
        after_failure=column,
    )


def stop(driver: ComputeDriver, context: Any, operation: Operation) -> Plan:
    """The steps of server.stop: ACPI first, the plug after ``shutdown_timeout``."""
    server_id = operation.resource_id
    column = _power_column(driver, server_id)
    return Plan(
        steps=[
            Step(
                "power_off",
                do=lambda: driver.power_off(server_id, cfg.CONF.compute.shutdown_timeout),
                done=lambda: _powered(
                    driver, server_id, PowerState.SHUTDOWN, PowerState.CRASHED
                ),
            )
        ],
        result=column,
        after_failure=column,
    )


def reboot(driver: ComputeDriver, context: Any, operation: Operation) -> Plan:
    """The steps of server.reboot and server.reboot_hard.

    The host can't tell whether a guest has just been rebooted, so a reboot that a killed worker
    had begun is done again.
    """
    server_id = operation.resource_id
    hard = operation.kind == "server.reboot_hard"
    column = _power_column(driver, server_id)
    return Plan(
        steps=[
            Step(
                "reboot",
                do=lambda: driver.reboot(
                    server_id,
                    hard,
                    cfg.CONF.compute.shutdown_timeout,
                    volumes=volumes.disks(driver, context, operation),
                ),
            )
        ],
        result=column,
        after_failure=column,
    )
