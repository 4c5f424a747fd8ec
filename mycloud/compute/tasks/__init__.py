"""What a compute host does for an operation: one planner a kind."""

import functools
from collections.abc import Callable
from typing import Any

from mycloud.agent.hooks import Hooks
from mycloud.compute.drivers.base import ComputeDriver
from mycloud.compute.tasks import create, delete, hooked, move, power, snapshot, swap, volumes
from mycloud.journal.runner import Planner

#: operation kind -> plan(driver, context, operation)
PLANS: dict[str, Callable[..., Any]] = {
    "server.create": create.plan,
    "server.delete": delete.plan,
    "server.start": power.start,
    "server.stop": power.stop,
    "server.reboot": power.reboot,
    "server.reboot_hard": power.reboot,
    "server.create_image": snapshot.plan,
    "server.attach_volume": volumes.attach,
    "server.detach_volume": volumes.detach,
    "server.swap_volume": swap.plan,
    "volume.migrate": move.plan,
    "volume.retype": move.plan,
}


def planners(driver: ComputeDriver, hooks: Hooks) -> dict[str, Planner]:
    """The planners of a host with that driver and the operator's hooks."""
    return {
        kind: hooked.around(hooks, kind, functools.partial(plan, driver))
        for kind, plan in PLANS.items()
    }
