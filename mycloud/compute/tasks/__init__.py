"""What a compute host does for an operation: one planner a kind."""

import functools
from collections.abc import Callable
from typing import Any

from mycloud.agent.agent import Agent
from mycloud.agent.hooks import Hooks
from mycloud.compute.drivers.base import ComputeDriver
from mycloud.compute.tasks import (
    create,
    delete,
    hooked,
    host_network,
    move,
    power,
    snapshot,
    swap,
    volumes,
)
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


#: operation kind -> plan(agent, context, operation): what is done to the host itself; the agent
#: runs the operator's hooks around its verbs
AGENT_PLANS: dict[str, Callable[..., Any]] = {"host.network": host_network.plan}


def planners(driver: ComputeDriver, agent: Agent) -> dict[str, Planner]:
    """The planners of a host with that driver and that agent, which has the operator's hooks."""
    hooks = agent.host.part(Hooks)
    own = {kind: functools.partial(plan, agent) for kind, plan in AGENT_PLANS.items()}
    return own | {
        kind: hooked.around(hooks, kind, functools.partial(plan, driver))
        for kind, plan in PLANS.items()
    }
