"""Whose image it is: what a caller sees, and what it may change."""

from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import exceptions, policy
from mycloud.db import images


def viewer(context: Any) -> images.Viewer:
    """The caller as one who looks at images."""
    return images.Viewer(
        context.project_id, everything=policy.allowed(context, "image:images:see_all")
    )


def load(conn: Connection, context: Any, image_id: str) -> images.Image:
    """An image that the caller may see.

    :raises ImageNotFound: also for one that the caller does not see
    """
    return images.get(conn, image_id, viewer(context))


def load_own(
    conn: Connection, context: Any, image_id: str, *, lock: bool = False
) -> images.Image:
    """An image that the caller may change; with ``lock``, nobody else changes it meanwhile.

    :raises ImageNotFound: also for one that the caller does not see
    :raises ImageNotOwned: for one that it only sees
    """
    looking = viewer(context)
    image = images.get(conn, image_id, looking, lock=lock)
    if not owns(looking, image):
        raise exceptions.ImageNotOwned(image_id=image_id)
    return image


def owns(looking: images.Viewer, image: images.Image) -> bool:
    """Whether the image is the viewer's to change."""
    if looking.everything:
        return True
    return looking.project_id is not None and image["owner"] == looking.project_id
