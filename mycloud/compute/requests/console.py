"""What a guest has written to its console."""

from collections.abc import Mapping
from typing import Any

from mycloud.common import exceptions
from mycloud.common.context import RequestContext
from mycloud.compute.rpcapi import ComputeAPI

#: Characters that one answer holds at most; the last ones are kept.
MAX_LENGTH = 102400


def output(
    context: RequestContext, server: Mapping[str, Any], length: int | str | None
) -> str:
    """The last ``length`` lines, without the last one's end; all there are for None and -1.

    :raises ServerNotReady: while the server is on no host
    :raises ServiceUnavailable: when its host does not answer
    """
    if server["host"] is None:
        raise exceptions.ServerNotReady(server_id=server["id"])
    lines = None if length is None or int(length) < 0 else int(length)
    text = ComputeAPI().get_console_output(context, server["host"], server["id"], lines)
    if lines is not None:
        # clients count the lines by splitting
        text = text.removesuffix("\n")
    return text[-MAX_LENGTH:]
