"""The scheduler: one transaction from an unplaced server to a claim on a host."""

import logging
from typing import Any

import oslo_messaging as messaging

from mycloud.common import context, exceptions
from mycloud.journal import rpcapi as doorbell
from mycloud.scheduler import chain, placement, rpcapi

LOG = logging.getLogger(__name__)


class SchedulerManager:
    """Places servers. It keeps nothing but its filters: any number of them may run."""

    target = messaging.Target(version="1.0")
    topic = rpcapi.TOPIC
    binary = "mycloud-scheduler"
    role = context.SCHEDULER

    def __init__(self) -> None:
        """:raises ConfigError: for a filter or weigher that does not exist"""
        self.chain = chain.load()

    def init_host(self, owner: Any) -> None:
        pass

    def after_start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def periodic_tasks(self) -> list[Any]:
        return []

    def run_operation(self, ctxt: Any, operation_id: str) -> None:
        """Place the server or the volume of an operation and ring its host."""
        ctxt.operation_id = operation_id
        ctxt.update_store()
        try:
            bells = placement.place(self.chain, operation_id)
        except exceptions.Unavailable as error:
            # it stays pending, so the sweeper rings again
            LOG.warning("Operation %s is not placed yet: %s", operation_id, error)
            return
        for bell in bells:
            doorbell.ring(ctxt, bell)
