"""Delete a server, as the API asks for it."""

from collections.abc import Mapping
from typing import Any

from mycloud.common.context import RequestContext
from mycloud.compute.requests import submit


def delete(context: RequestContext, server: Mapping[str, Any]) -> str:
    """Delete a server in any state; returns the operation's id.

    :raises ServerLocked: when it is locked and the caller is no administrator
    """
    return submit.submit_delete(context, server)
