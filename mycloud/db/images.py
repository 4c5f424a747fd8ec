"""Images: reading them as somebody sees them, writing them, moving their state.

An image here is a dict of its columns with two more keys: ``properties`` (name -> text or None)
and ``tags`` (sorted).
"""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from mycloud.common import exceptions, states
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


def get(conn: Connection, image_id: str, viewer: Viewer, *, lock: bool = False) -> Image:
    """One image; with ``lock``, no other transaction changes it until this one ends.

    :raises ImageNotFound: also for one that the viewer does not see
    """
    query = sa.select(images).where(
        images.c.id == image_id, images.c.deleted_at.is_(None), visible_to(viewer)
    )
    if lock:
        query = query.with_for_update()
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.ImageNotFound(image_id=image_id)
    return with_details(conn, [row])[0]


def insert(conn: Connection, image: Image) -> None:
    """:raises ImageExists: also when the image of that id is deleted"""
    values = {name: value for name, value in image.items() if name in images.c}
    try:
        conn.execute(sa.insert(images).values(**values))
    except db_exc.DBDuplicateEntry as error:
        raise exceptions.ImageExists(image_id=image["id"]) from error
    set_properties(conn, image["id"], {}, image["properties"])
    set_tags(conn, image["id"], [], image["tags"])


def update(conn: Connection, image_id: str, values: dict[str, Any]) -> None:
    conn.execute(sa.update(images).where(images.c.id == image_id).values(**values))


def set_properties(
    conn: Connection, image_id: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Write what differs."""
    table = image_properties
    gone = [name for name in before if name not in after or before[name] != after[name]]
    fresh = [name for name in after if name not in before or before[name] != after[name]]
    if gone:
        conn.execute(
            sa.delete(table).where(table.c.image_id == image_id, table.c.name.in_(gone))
        )
    if fresh:
        conn.execute(
            sa.insert(table),
            [{"image_id": image_id, "name": name, "value": after[name]} for name in fresh],
        )


def set_tags(conn: Connection, image_id: str, before: list[str], after: list[str]) -> None:
    """Write what differs."""
    gone, fresh = set(before) - set(after), set(after) - set(before)
    if gone:
        conn.execute(
            sa.delete(image_tags).where(
                image_tags.c.image_id == image_id, image_tags.c.tag.in_(sorted(gone))
            )
        )
    if fresh:
        conn.execute(
            sa.insert(image_tags), [{"image_id": image_id, "tag": tag} for tag in sorted(fresh)]
        )


def move(
    conn: Connection, image_id: str, to: states.Image, values: dict[str, Any], **expected: Any
) -> bool:
    """Give an image another state if the state it is in allows that, and if its columns still
    have the ``expected`` values; whether it did."""
    before = [
        state for state, reachable in states.IMAGE_TRANSITIONS.items() if to in reachable
    ]
    statement = sa.update(images).where(images.c.id == image_id, images.c.status.in_(before))
    for name, value in expected.items():
        statement = statement.where(images.c[name] == value)
    return bool(conn.execute(statement.values(status=to, **values)).rowcount)


def waiting(conn: Connection, image_ids: list[str]) -> set[str]:
    """Those of the images that have no data yet."""
    query = sa.select(images.c.id).where(
        images.c.id.in_(image_ids),
        images.c.status.in_([states.Image.QUEUED, states.Image.SAVING]),
    )
    return set(conn.execute(query).scalars())


def drop_unfinished(conn: Connection, image_id: str, now: datetime.datetime) -> None:
    """Delete an image without data that nobody will bring any more."""
    for status in (states.Image.QUEUED, states.Image.SAVING):
        gone = {"deleted_at": now, "updated_at": now}
        if move(conn, image_id, states.Image.DELETED, gone, status=status):
            forget_details(conn, image_id)


def renew_upload(
    conn: Connection, image_id: str, upload_id: str, now: datetime.datetime
) -> bool:
    """Tell that an upload is alive; False when it is not the image's upload any more."""
    statement = sa.update(images).where(
        images.c.id == image_id,
        images.c.upload_id == upload_id,
        images.c.status == states.Image.SAVING,
    )
    return bool(conn.execute(statement.values(upload_seen_at=now)).rowcount)


def drop_silent_uploads(
    conn: Connection, before: datetime.datetime, image_id: str | None = None
) -> int:
    """Make the images wait for data again whose upload has been silent since ``before`` (all
    images, or the one); how many there were."""
    statement = sa.update(images).where(
        images.c.status == states.Image.SAVING, images.c.upload_seen_at < before
    )
    if image_id is not None:
        statement = statement.where(images.c.id == image_id)
    values = {"status": states.Image.QUEUED, "upload_id": None, "upload_seen_at": None}
    return conn.execute(statement.values(**values)).rowcount


def forget_details(conn: Connection, image_id: str) -> None:
    """Drop the properties, tags and members of an image that is deleted."""
    for table in (image_properties, image_tags, image_members):
        conn.execute(sa.delete(table).where(table.c.image_id == image_id))


def used(conn: Connection, project_id: str | None) -> tuple[int, int]:
    """How many images a project has, and the bytes of their data."""
    query = sa.select(
        sa.func.count(), sa.func.coalesce(sa.func.sum(images.c.size), 0)
    ).where(images.c.owner == project_id, images.c.deleted_at.is_(None))
    count, size = conn.execute(query).one()
    return int(count), int(size)


def stored(conn: Connection, image_ids: Iterable[str]) -> dict[str, str | None]:
    """image id -> the upload that its data came or comes by, of those that are not deleted."""
    query = sa.select(images.c.id, images.c.upload_id).where(
        images.c.id.in_(list(image_ids)), images.c.deleted_at.is_(None)
    )
    return {row.id: row.upload_id for row in conn.execute(query)}
