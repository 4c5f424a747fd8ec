"""Images: reading them as somebody sees them, writing them, moving their state.

An image here is a dict of its columns with two more keys: ``properties`` (name -> text or None)
and ``tags`` (sorted).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.common.states import Visibility
from mycloud.db.models import image_members, image_properties, image_tags, images

Row = Mapping[str, Any]
Image = dict[str, Any]


@dataclass(frozen=True)
class Viewer:
    """Who looks: a project (None: no project at all), or somebody who sees everything."""

    project_id: str | None
    everything: bool = False


def membership_of(viewer: Viewer, status: str | None = None) -> sa.ColumnElement[bool]:
    """The image is shared with the viewer's project (and the project has given that answer)."""
    query = sa.select(image_members.c.image_id).where(
        image_members.c.image_id == images.c.id,
        image_members.c.member == viewer.project_id,
    )
    if status is not None:
        query = query.where(image_members.c.status == status)
    return sa.and_(images.c.visibility == Visibility.SHARED, query.exists())


def visible_to(viewer: Viewer, member_status: str | None = None) -> sa.ColumnElement[bool]:
    """The image may be seen: everybody's, the viewer's own, or shared with it."""
    if viewer.everything:
        return sa.true()
    everybodys = images.c.visibility.in_([Visibility.PUBLIC, Visibility.COMMUNITY])
    if viewer.project_id is None:
        return everybodys
    return sa.or_(
        everybodys, images.c.owner == viewer.project_id, membership_of(viewer, member_status)
    )


def with_details(conn: Connection, rows: Iterable[Row]) -> list[Image]:
    """The rows as images; two statements however many they are."""
    found: dict[str, Image] = {row["id"]: {**row, "properties": {}, "tags": []} for row in rows}
    if not found:
        return []
    ids = list(found)
    properties = sa.select(image_properties).where(image_properties.c.image_id.in_(ids))
    for row in conn.execute(properties.order_by(image_properties.c.name)).mappings():
        found[row["image_id"]]["properties"][row["name"]] = row["value"]
    tags = sa.select(image_tags).where(image_tags.c.image_id.in_(ids))
    for row in conn.execute(tags.order_by(image_tags.c.tag)).mappings():
        found[row["image_id"]]["tags"].append(row["tag"])
    return list(found.values())


def get(conn: Connection, image_id: str, viewer: Viewer) -> Image:
    """One image.

    :raises ImageNotFound: also for one that the viewer does not see
    """
    query = sa.select(images).where(
        images.c.id == image_id, images.c.deleted_at.is_(None), visible_to(viewer)
    )
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.ImageNotFound(image_id=image_id)
    return with_details(conn, [row])[0]
