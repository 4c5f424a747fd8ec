"""What a volume is marked as: bootable, read-only."""

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.common.states import Vol
from mycloud.db import engine, volumes
from mycloud.volume.requests.volumes import own_project

#: The item of the metadata by which clients see the mark.
READ_ONLY = "readonly"


@engine.retried
def set_bootable(context: RequestContext, volume_id: str, *, bootable: bool) -> None:
    """:raises VolumeNotFound:"""
    with engine.writer() as conn:
        volumes.get(conn, volume_id, project_id=own_project(context))
        volumes.update(conn, volume_id, {"bootable": bootable, "updated_at": clock.now()})


@engine.retried
def set_read_only(context: RequestContext, volume_id: str, *, read_only: bool) -> None:
    """Whether hosts that take the volume from now on may write to it.

    :raises VolumeNotFound: :raises InvalidVolume: while it is in use
    """
    with engine.writer() as conn:
        row = volumes.get(conn, volume_id, project_id=own_project(context))
        changes = {
            "read_only": read_only,
            "metadata": {**row["metadata"], READ_ONLY: str(read_only)},
            "updated_at": clock.now(),
        }
        if not volumes.update(
            conn, volume_id, changes, status=Vol.AVAILABLE, operation_id=None
        ):
            raise exceptions.InvalidVolume(
                reason=f"Volume {volume_id} status must be {Vol.AVAILABLE} to update the "
                f"read-only flag, but it is {row['status']}."
            )
