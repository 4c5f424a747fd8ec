"""A page of the images that somebody sees: filters, order and paging, all in SQL."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.common.states import Visibility
from mycloud.db import paging
from mycloud.db.images import Image, Viewer, visible_to, with_details
from mycloud.db.models import image_properties, image_tags, images

#: What a list can be sorted by. What may be missing sorts first, as if it were empty.
SORT_KEYS: Mapping[str, sa.ColumnElement[Any]] = {
    "id": images.c.id,
    "created_at": images.c.created_at,
    "updated_at": images.c.updated_at,
    "status": images.c.status,
    "visibility": images.c.visibility,
    "protected": sa.case((images.c.protected, 1), else_=0),
    "os_hidden": sa.case((images.c.hidden, 1), else_=0),
    "min_disk": images.c.min_disk,
    "min_ram": images.c.min_ram,
    "name": sa.func.coalesce(images.c.name, ""),
    "owner": sa.func.coalesce(images.c.owner, ""),
    "disk_format": sa.func.coalesce(images.c.disk_format, ""),
    "container_format": sa.func.coalesce(images.c.container_format, ""),
    "checksum": sa.func.coalesce(images.c.checksum, ""),
    "os_hash_value": sa.func.coalesce(images.c.hash_value, ""),
    "size": sa.func.coalesce(images.c.size, -1),
    "virtual_size": sa.func.coalesce(images.c.virtual_size, -1),
}

_SECOND = datetime.timedelta(seconds=1)
Comparison = Callable[[Any, datetime.datetime], sa.ColumnElement[bool]]
#: Times are shown in whole seconds, so a second is one moment here.
COMPARISONS: Mapping[str, Comparison] = {
    "gt": lambda column, second: column >= second + _SECOND,
    "gte": lambda column, second: column >= second,
    "lt": lambda column, second: column < second,
    "lte": lambda column, second: column < second + _SECOND,
    "eq": lambda column, second: sa.and_(column >= second, column < second + _SECOND),
    "neq": lambda column, second: sa.or_(column < second, column >= second + _SECOND),
}


@dataclass
class Wanted:
    """What is asked for.

    :ivar equal: column -> the values that it may have
    :ivar sizes: bytes at least and at most
    :ivar times: (column, name of a comparison, whole seconds in UTC)
    :ivar properties: name -> value
    :ivar tags: all of them
    :ivar visibility: None for all but other projects' community images, "all" for those too
    :ivar member_status: what the viewer's project has said to shared images; None for anything
    :ivar order: (sort key, rising)
    """

    equal: dict[str, list[Any]] = field(default_factory=dict)
    sizes: tuple[int | None, int | None] = (None, None)
    times: list[tuple[str, str, datetime.datetime]] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    visibility: str | None = None
    member_status: str | None = None
    order: list[tuple[str, bool]] = field(default_factory=list)
    marker: str | None = None


def page(conn: Connection, viewer: Viewer, wanted: Wanted, limit: int) -> list[Image]:
    """At most ``limit`` images; four statements.

    :raises UnknownMarker: when the marker is no image that the viewer sees
    """
    order = [*wanted.order]
    if all(name != "id" for name, _ in order):
        order.append(("id", order[-1][1] if order else False))
    known = _marker(conn, viewer, wanted.marker, [name for name, _ in order])
    keys = [(SORT_KEYS[name], known.get(name), rising) for name, rising in order]
    query = sa.select(images).where(images.c.deleted_at.is_(None), *_conditions(viewer, wanted))
    query = paging.after(query, keys, marked=wanted.marker is not None).limit(limit)
    return with_details(conn, list(conn.execute(query).mappings()))


def _marker(
    conn: Connection, viewer: Viewer, marker: str | None, names: list[str]
) -> Mapping[str, Any]:
    if marker is None:
        return {}
    query = sa.select(*(SORT_KEYS[name].label(f"key_{name}") for name in names)).where(
        images.c.id == marker, images.c.deleted_at.is_(None), visible_to(viewer)
    )
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.UnknownMarker(marker=marker)
    return {name: row[f"key_{name}"] for name in names}


def _conditions(viewer: Viewer, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found = [visible_to(viewer, wanted.member_status)]
    if wanted.visibility is None:
        mine = images.c.owner == viewer.project_id
        found.append(sa.or_(images.c.visibility != Visibility.COMMUNITY, mine))
    elif wanted.visibility != "all":
        found.append(images.c.visibility == wanted.visibility)
    for name, values in wanted.equal.items():
        found.append(images.c[name].in_(values))
    low, high = wanted.sizes
    if low is not None:
        found.append(images.c.size >= low)
    if high is not None:
        found.append(images.c.size <= high)
    for name, comparison, value in wanted.times:
        found.append(COMPARISONS[comparison](images.c[name], value))
    for tag in wanted.tags:
        found.append(
            sa.exists().where(image_tags.c.image_id == images.c.id, image_tags.c.tag == tag)
        )
    table = image_properties
    for name, text in wanted.properties.items():
        found.append(
            sa.exists().where(
                table.c.image_id == images.c.id, table.c.name == name, table.c.value == text
            )
        )
    return found
