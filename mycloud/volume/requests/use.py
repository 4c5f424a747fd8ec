"""Who uses a volume, and what nobody may do behind their back (CVE-2023-2088)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.common.states import Attach
from mycloud.db import block_devices

Row = Mapping[str, Any]

#: In these a server may have the volume in its hands.
_HELD = frozenset(
    {Attach.ATTACHING, Attach.ATTACHED, Attach.DETACHING, Attach.ERROR_DETACHING}
)


def refuse_server(conn: Connection, attachment: Row) -> None:
    """Leave alone what a server of ours has as its disk: only the server's own detach ends that.

    :raises AttachmentOfServer:
    """
    if attachment["status"] in _HELD and block_devices.live_of_attachment(conn, attachment["id"]):
        raise exceptions.AttachmentOfServer(
            attachment_id=attachment["id"], server_id=attachment["server_id"]
        )
