"""Give out the data of an image."""

from pathlib import Path
from typing import Any

from mycloud.common import exceptions, policy, states
from mycloud.db import engine, images
from mycloud.image import access, store

_WITHOUT_DATA = frozenset({states.Image.QUEUED, states.Image.SAVING})


def find(context: Any, image_id: str) -> tuple[images.Image, Path | None]:
    """An image and the file with its data; None when nobody has uploaded any.

    :raises ImageNotFound: also for one that the caller does not see
    :raises ImageDeactivated: unless the caller may look into such images too
    :raises Unavailable: when the data is not in this machine's store
    """
    with engine.reader() as conn:
        image = access.load(conn, context, image_id)
    if image["status"] in _WITHOUT_DATA:
        return image, None
    if image["status"] == states.Image.DEACTIVATED and not policy.allowed(
        context, "image:images:download_deactivated"
    ):
        raise exceptions.ImageDeactivated(image_id=image_id)
    return image, _file(image) if image["upload_id"] else None


def find_active(image_id: str) -> tuple[images.Image, Path]:
    """An active image and its file, whoever asks.

    :raises ImageNotFound: also for one that is not active, or has no data
    :raises Unavailable: when the data is not in this machine's store
    """
    with engine.reader() as conn:
        image = images.get(conn, image_id, images.Viewer(None, everything=True))
    if image["status"] != states.Image.ACTIVE or not image["upload_id"]:
        raise exceptions.ImageNotFound(image_id=image_id)
    return image, _file(image)


def _file(image: images.Image) -> Path:
    path = store.path(image["id"], image["upload_id"])
    if not path.is_file():
        raise exceptions.Unavailable(what=f"The data of image {image['id']}")
    return path
