"""What operators ask of compute hosts: of the host itself, else what the database knows."""

import logging
from collections.abc import Mapping
from typing import Any

from mycloud.common import exceptions
from mycloud.common.context import RequestContext
from mycloud.compute.rpcapi import ComputeAPI

LOG = logging.getLogger(__name__)

#: Seconds that a host gets for what somebody waits for at a terminal.
_PATIENCE_SECONDS = 10
#: A host that does not answer, or an agent that does not know the verb yet.
SILENT = (exceptions.Unavailable, exceptions.VerbNotFound, exceptions.VerbTimedOut)


def uptime(context: RequestContext, host: Mapping[str, Any]) -> str:
    """A host's uptime and load in one line; as it was at its last report if it does not answer."""
    try:
        found = ComputeAPI().call_agent(
            context, host["host"], "host.uptime", {}, timeout=_PATIENCE_SECONDS
        )
    except SILENT as error:
        LOG.info("The uptime of %s is that of its last report: %s", host["host"], error)
        return str(host["uptime"])
    return str(found["uptime"])
