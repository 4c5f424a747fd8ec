"""What a service's start needs of objects and the journal (see mycloud.common.service)."""

import logging
from typing import Any

from mycloud.common import concurrency, context, exceptions
from mycloud.common.rpcapi import ProcessEndpoint
from mycloud.conductor.rpcapi import ConductorAPI
from mycloud.journal.rpcapi import DoorbellEndpoint
from mycloud.journal.runner import Owner
from mycloud.objects.operation import Operation
from mycloud.objects.service import Service

LOG = logging.getLogger(__name__)

#: How long one question to the conductor waits for its answer, and the pause after a vain one.
PING_SECONDS = 5.0
PAUSE_SECONDS = 1.0


class ServiceHooks:
    """The real hooks; ``conductor`` is None where the database is near."""

    def __init__(self, conductor: ConductorAPI | None):
        self._conductor = conductor

    def wait_until_ready(self, ctxt: Any) -> None:
        """Wait for the conductor, as long as it takes; roles with a database need not."""
        if context.current_role() in context.DATABASE_ROLES or self._conductor is None:
            return
        while True:
            try:
                self._conductor.ping(ctxt, timeout=PING_SECONDS)
                return
            except exceptions.Unavailable as error:
                LOG.warning("Waiting for the conductor: %s", error)
                concurrency.sleep(PAUSE_SECONDS)

    def register(self, ctxt: Any, values: dict[str, Any]) -> Service:
        return Service.register(ctxt, values)

    def owner(self, registration: Any, host: str) -> Owner:
        return Owner(registration.id, registration.epoch, host)

    def to_resume(
        self, ctxt: Any, manager: Any, owner: Owner, patience: float
    ) -> list[str]:
        bell = [manager.topic, owner.host]
        found: list[str] = Operation.to_resume(
            ctxt, owner.service_id, owner.epoch, bell, patience
        )
        return found

    def endpoints(self, manager: Any) -> list[Any]:
        return [manager, DoorbellEndpoint(manager.run_operation), ProcessEndpoint()]
