"""Delete a server that has no host, or whose host is down."""

import logging
from typing import Any

from mycloud.common import exceptions
from mycloud.common.states import Power
from mycloud.journal.runner import Plan, Step
from mycloud.objects.attachment import AttachmentList
from mycloud.objects.operation import Operation
from mycloud.volume.rpcapi import VolumeAPI

LOG = logging.getLogger(__name__)


def plan(context: Any, operation: Operation) -> Plan:
    """Nothing is to be done on a host; the end of the operation frees the claims."""
    steps = [Step("forget", do=lambda: None)]
    if operation.payload.get("volumes"):
        steps.append(Step("let_go", do=lambda: _let_go(context, operation.resource_id)))
    return Plan(steps=steps, result=lambda: {"power_state": Power.NOSTATE})


def _let_go(context: Any, server_id: str) -> None:
    """No host has the server's volumes any more. A backend that does not answer finds out by
    itself that the attachment is gone."""
    for attachment in AttachmentList.of_server(context, server_id):
        if attachment.connector is None:
            # no host has ever had it
            continue
        try:
            VolumeAPI().terminate_connection(context, attachment.service_host, attachment.id)
        except (exceptions.ServiceUnavailable, exceptions.BackendNotReady) as error:
            LOG.warning("The export of attachment %s is not ended: %s", attachment.id, error)
