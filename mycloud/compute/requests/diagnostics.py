"""The figures of one server, asked of its host."""

from collections.abc import Mapping
from typing import Any

from mycloud.common import exceptions, states
from mycloud.common.context import RequestContext
from mycloud.compute.rpcapi import ComputeAPI


def of(context: RequestContext, server: Mapping[str, Any]) -> dict[str, Any]:
    """See compute.drivers.diagnostics.

    :raises ServerNotReady: while the server is on no host
    :raises StateConflict: it does not run
    :raises ServiceUnavailable: when its host does not answer
    """
    if server["host"] is None:
        raise exceptions.ServerNotReady(server_id=server["id"])
    found = ComputeAPI().get_diagnostics(context, server["host"], server["id"])
    if states.power_number(found["state"]) not in states.POWERED_ON:
        raise exceptions.StateConflict(
            action="get diagnostics of", resource="instance", id=server["id"],
            attribute="power state", state=found["state"],
        )
    return found
