"""Ways to an image's bytes for a compute host."""

from typing import Any

import sqlalchemy as sa

from mycloud.common import exceptions, states
from mycloud.db import engine, models
from mycloud.image import store


def of(context: Any, image_id: str) -> dict[str, str | None]:
    """``path`` of the file in the store, ``url`` and ``token`` to download it.

    :raises ImageNotFound: also for an image that is not active
    """
    with engine.reader() as conn:
        query = sa.select(models.images).where(
            models.images.c.id == image_id, models.images.c.status == states.Image.ACTIVE
        )
        if conn.execute(query).first() is None:
            raise exceptions.ImageNotFound(image_id=image_id)
    return {"path": str(store.path(image_id)), "url": None, "token": None}
