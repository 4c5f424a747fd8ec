"""Share images with other projects, which accept or reject them.

The owner chooses the members; what a member says to the image is the member's own business.
"""

from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions, states
from mycloud.db import engine, image_members, images
from mycloud.image import access

Row = Mapping[str, Any]


def _shared(image: images.Image) -> images.Image:
    if image["visibility"] != states.Visibility.SHARED:
        raise exceptions.ImageNotShared(image_id=image["id"], visibility=image["visibility"])
    return image


def members(conn: Connection, context: Any, image_id: str) -> list[Row]:
    """The members that the caller may know of: the owner all of them, a member itself.

    :raises ImageNotFound: also for an image that the caller does not see
    :raises ImageNotShared: for one that has another visibility
    """
    looking = access.viewer(context)
    image = _shared(images.get(conn, image_id, looking))
    only = None if access.owns(looking, image) else context.project_id
    return image_members.page(conn, image_id, only)


def member(conn: Connection, context: Any, image_id: str, member_id: str) -> Row:
    """:raises ImageMemberNotFound: also for one that the caller may not know of"""
    for row in members(conn, context, image_id):
        if row["member"] == member_id:
            return row
    raise exceptions.ImageMemberNotFound(image_id=image_id, member=member_id)


def share(context: Any, image_id: str, member_id: str) -> Row:
    """Offer an image to a project.

    :raises ImageNotOwned: for one that the caller only sees
    :raises ImageMemberExists: when it is offered already
    :raises TooLarge: when it has as many members as it may
    """
    with engine.writer() as conn:
        _shared(access.load_own(conn, context, image_id, lock=True))
        limit = cfg.CONF.image.max_members
        if image_members.count(conn, image_id) >= limit:
            raise exceptions.TooLarge(reason=f"An image may have at most {limit} members.")
        return image_members.insert(conn, image_id, member_id, clock.now())


def answer(context: Any, image_id: str, member_id: str, status: str) -> Row:
    """Accept or reject an image, or think about it again.

    :raises ImageAnswerNotYours: for another project's membership, the owner included
    """
    with engine.writer() as conn:
        looking = access.viewer(context)
        image = _shared(images.get(conn, image_id, looking))
        if context.project_id != member_id and not looking.everything:
            if access.owns(looking, image):
                raise exceptions.ImageAnswerNotYours(image_id=image_id, member=member_id)
            raise exceptions.ImageMemberNotFound(image_id=image_id, member=member_id)
        row = image_members.get(conn, image_id, member_id)
        now = clock.now()
        image_members.update(conn, image_id, member_id, status, now)
    return {**row, "status": status, "updated_at": now}


def unshare(context: Any, image_id: str, member_id: str) -> None:
    """Take an image away from a project.

    :raises ImageNotOwned: for one that the caller only sees
    :raises ImageMemberNotFound: when it was no member
    """
    with engine.writer() as conn:
        _shared(access.load_own(conn, context, image_id, lock=True))
        image_members.delete(conn, image_id, member_id)
