"""The metadata of volumes and snapshots, and what a volume knows of its image."""

from collections.abc import Callable
from typing import Any

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.db import engine, volumes
from mycloud.volume.requests.submit import Noun
from mycloud.volume.requests.volumes import own_project

Metadata = dict[str, str]
Change = Callable[[Metadata], Metadata]

#: Items that one volume or snapshot has at most.
MOST = 128


@engine.retried
def change(context: RequestContext, noun: Noun, row_id: str, how: Change) -> Metadata:
    """Make of the metadata what ``how`` makes of it; returns it.

    :raises NotFound: there is no such row, or it is another project's
    :raises BadField: when there were too many items
    """
    with engine.writer() as conn:
        row = noun.get(conn, row_id, project_id=own_project(context))
        after = how(dict(row["metadata"]))
        _check_number(after)
        noun.update(conn, row_id, {"metadata": after, "updated_at": clock.now()})
        return after


def remove(context: RequestContext, noun: Noun, row_id: str, key: str) -> None:
    """:raises NotFound: :raises VolumeMetadataNotFound:"""

    def without(before: Metadata) -> Metadata:
        if key not in before:
            raise exceptions.VolumeMetadataNotFound(type=noun.type, id=row_id, key=key)
        return {name: value for name, value in before.items() if name != key}

    change(context, noun, row_id, without)


def _check_number(items: Metadata) -> None:
    if len(items) > MOST:
        raise exceptions.BadField(field="metadata", reason=f"at most {MOST} items are kept")


@engine.retried
def change_image_metadata(context: RequestContext, volume_id: str, how: Change) -> Metadata:
    """As ``change``, of what a volume knows of the image that it was made from."""
    with engine.writer() as conn:
        row = volumes.get(conn, volume_id, project_id=own_project(context))
        after = how(dict(row["image_metadata"] or {}))
        _check_number(after)
        values: dict[str, Any] = {"image_metadata": after or None, "updated_at": clock.now()}
        volumes.update(conn, volume_id, values)
        return after
