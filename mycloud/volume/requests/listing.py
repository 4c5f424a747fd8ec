"""Volumes as they are shown and listed."""

from collections.abc import Mapping, Sequence
from typing import Any

from mycloud.common.context import RequestContext
from mycloud.db import attachments, engine, volume_list
from mycloud.volume.requests.volumes import own_project

Row = Mapping[str, Any]


def show(context: RequestContext, volume_id: str) -> tuple[Row, Sequence[Row]]:
    """A volume with its type's name, and its attachments.

    :raises VolumeNotFound: also for another project's
    """
    with engine.reader() as conn:
        row = volume_list.get(conn, volume_id, project_id=own_project(context))
        return row, attachments.of_volumes(conn, [volume_id])[volume_id]
