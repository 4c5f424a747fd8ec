"""Lists of attachments."""

from typing import Any

import sqlalchemy as sa

from mycloud.common import exceptions
from mycloud.db import filtered
from mycloud.db.filtered import nullable
from mycloud.db.models import volume_attachments as attachments

#: What a list may be sorted by.
SORT: dict[str, Any] = {
    "id": attachments.c.id,
    "volume_id": attachments.c.volume_id,
    "status": attachments.c.status,
    "attach_status": attachments.c.status,
    "instance_id": nullable(attachments.c.server_id, ""),
    "created_at": attachments.c.created_at,
    "updated_at": nullable(attachments.c.updated_at, attachments.c.created_at),
}


def select() -> sa.Select[Any]:
    """Live attachments."""
    return sa.select(attachments).where(attachments.c.deleted_at.is_(None))


NOUN = filtered.Noun(
    attachments, select, SORT, lambda marker: exceptions.AttachmentNotFound(attachment_id=marker)
)
