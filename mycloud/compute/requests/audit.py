"""What was done to a server, from the journal."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.common.context import RequestContext
from mycloud.compute.requests import listing
from mycloud.db import engine, journal, operation_list, servers
from mycloud.db.operation_list import Row, Wanted

#: The most that a list without pages tells.
_ALL = 10000


def actions(
    context: RequestContext,
    server_id: str,
    query: Mapping[str, Any],
    *,
    limit: int | None,
    deleted: bool,
) -> list[Row]:
    """The operations on a server, newest first. ``deleted``: also of a server that is gone.

    ``query``: marker (a request id) and changes-since.

    :raises ServerNotFound: :raises UnknownMarker:
    """
    wanted = Wanted(
        same={"resource_id": server_id},
        marker=query.get("marker"),
        marker_column="request_id",
        limit=_ALL if limit is None else limit,
    )
    if "changes-since" in query:
        wanted.changed_since = listing.moment(query["changes-since"], "changes-since")
    with engine.reader() as conn:
        _check_server(conn, context, server_id, deleted=deleted)
        return operation_list.page(conn, wanted)


def action(
    context: RequestContext, server_id: str, request_id: str, *, deleted: bool
) -> tuple[Row, Sequence[Row]]:
    """The operation that a request made on a server, and its steps in order.

    :raises ServerNotFound: :raises InstanceActionNotFound:
    """
    with engine.reader() as conn:
        _check_server(conn, context, server_id, deleted=deleted)
        rows = journal.of_resource(conn, server_id, request_id=request_id)
        if not rows:
            raise exceptions.InstanceActionNotFound(
                request_id=request_id, server_id=server_id
            )
        return rows[0], journal.steps_of(conn, [rows[0]["id"]])[rows[0]["id"]]


def _check_server(
    conn: Connection, context: RequestContext, server_id: str, *, deleted: bool
) -> None:
    servers.get(conn, server_id, project_id=listing.project_of(context), deleted=deleted)
