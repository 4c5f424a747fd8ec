"""Changes of an image's properties under the name and the rules of compute metadata."""

from typing import Any

from mycloud.common import exceptions
from mycloud.compute.requests import quotas
from mycloud.db import engine
from mycloud.db.images import Image
from mycloud.image import access, attributes, patches, registration

Items = dict[str, str]


def add(context: Any, image_id: str, items: Items) -> Image:
    """Add these, or change them; the others stay.

    :raises ImageNotFound: :raises ImageNotOwned:
    :raises BadField: for a name that is no property
    :raises QuotaExceeded: when the image would have too many
    """
    before = _load(context, image_id)
    _check(context, {**before["properties"], **items})
    return registration.change(context, image_id, _additions(items))


def replace(context: Any, image_id: str, items: Items) -> Image:
    """Make these all that there are; raises as ``add`` does."""
    before = _load(context, image_id)
    _check(context, items)
    gone = [
        patches.Operation(patches.REMOVE, name)
        for name in before["properties"]
        if name not in items
    ]
    return registration.change(context, image_id, [*gone, *_additions(items)])


def _load(context: Any, image_id: str) -> Image:
    with engine.reader() as conn:
        return access.load_own(conn, context, image_id)


def _check(context: Any, items: Items) -> None:
    for name in items:
        if name in attributes.COLUMNS or name == "tags":
            raise exceptions.BadField(
                field=name, reason="it is an attribute of the image; use the image API."
            )
    with engine.reader() as conn:
        quotas.check_metadata(conn, context.project_id, items)


def _additions(items: Items) -> list[patches.Operation]:
    return [patches.Operation(patches.ADD, name, value) for name, value in items.items()]


def remove(context: Any, image_id: str, name: str) -> None:
    """:raises ImageNotFound: :raises ImageNotOwned:
    :raises NotFound: when there is none of that name
    """
    if name not in _load(context, image_id)["properties"]:
        raise exceptions.NotFound("Metadata item was not found")
    registration.change(context, image_id, [patches.Operation(patches.REMOVE, name)])
