"""Start, stop and reboot, as the API asks for them."""

from collections.abc import Mapping
from typing import Any

from mycloud.common.context import RequestContext
from mycloud.compute.requests import submit

Row = Mapping[str, Any]


def start(context: RequestContext, server: Row, *, key: str | None = None) -> str:
    """Power a stopped server on; returns the operation's id. Errors: see submit.submit."""
    return submit.submit(context, server, "server.start", key=key)


def stop(context: RequestContext, server: Row, *, key: str | None = None) -> str:
    """Power a server off, by ACPI first; returns the operation's id."""
    return submit.submit(context, server, "server.stop", key=key)


def reboot(
    context: RequestContext, server: Row, *, hard: bool, key: str | None = None
) -> str:
    """Reboot a server; returns the operation's id."""
    kind = "server.reboot_hard" if hard else "server.reboot"
    return submit.submit(context, server, kind, key=key)
