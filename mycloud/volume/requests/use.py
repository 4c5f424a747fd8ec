"""Who uses a volume, and what nobody may do behind their back (CVE-2023-2088)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import exceptions, policy
from mycloud.common.context import RequestContext
from mycloud.common.states import OP_OPEN
from mycloud.db import block_devices, journal

Row = Mapping[str, Any]


def by_service(context: RequestContext) -> bool:
    """Whether one of the cloud's own services asks: it knows what its servers do."""
    return policy.allowed(context, "volume:attachments:of_servers")


def of_server(conn: Connection, attachment: Row) -> bool:
    """Whether a server of ours has the volume as a disk, or is about to."""
    if block_devices.live_of_attachment(conn, attachment["id"]) is not None:
        return True
    if attachment["server_id"] is None:
        return False
    # the volume that a server changes over to is its disk only once it has
    return any(
        operation["state"] in OP_OPEN
        and operation["payload"].get("new_attachment_id") == attachment["id"]
        for operation in journal.of_resource(conn, attachment["server_id"])
    )


def refuse_server(
    conn: Connection, attachment: Row, context: RequestContext | None = None
) -> None:
    """Leave alone what a server of ours has as its disk: only the server's own detach ends that.
    A service may, if a ``context`` is given.

    :raises AttachmentOfServer:
    """
    if context is not None and by_service(context):
        return
    if of_server(conn, attachment):
        raise exceptions.AttachmentOfServer(
            attachment_id=attachment["id"], server_id=attachment["server_id"]
        )
