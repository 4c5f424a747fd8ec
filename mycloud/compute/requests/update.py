"""Changes of a server's record that need no host."""

from typing import Any

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.compute.requests import listing
from mycloud.db import engine, servers


@engine.retried
def update(context: RequestContext, server_id: str, changes: dict[str, Any]) -> None:
    """Write columns of a live server that the caller may reach.

    :raises ServerNotFound:
    """
    with engine.writer() as conn:
        servers.get(conn, server_id, project_id=listing.project_of(context))
        if changes and not servers.update(
            conn, server_id, {**changes, "updated_at": clock.now()}
        ):
            raise exceptions.ServerNotFound(server_id=server_id)
