"""Make an image of a server, as the API asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import exceptions, states
from mycloud.common.context import RequestContext
from mycloud.compute.requests import submit, volume_image
from mycloud.db import engine, images, journal
from mycloud.image import access, attributes, registration
from mycloud.journal.submit import New

Row = Mapping[str, Any]

#: Properties that an image of a server has, and by which it is found.
OF_SERVER, OF_TYPE, OF_IMAGE = "instance_uuid", "image_type", "base_image_ref"
SNAPSHOT = "snapshot"


@dataclass(frozen=True)
class Made:
    """An image, and the operation that makes it."""

    image_id: str
    operation_id: str


def create_image(
    context: RequestContext,
    server: Row,
    name: str,
    metadata: Mapping[str, str],
    *,
    key: str | None = None,
) -> Made:
    """Make an image of a server's root disk; the image and the operation begin in one
    transaction. ``metadata``: more properties of the image. Of a server that boots from a volume
    snapshots are taken instead.

    :raises BadField: for metadata that would be something else than a property
    :raises ImageQuotaExceeded: when the caller's project has as many images as it may
    :raises StateConflict: :raises OperationInProgress: :raises ServerLocked: as submit_new
    """
    for each in metadata:
        if each in attributes.COLUMNS or each in ("id", "tags"):
            raise exceptions.BadField(
                field="metadata", reason=f"{each} is no property but an attribute of images"
            )
    wanted = _wanted(context, server, name, metadata)
    if volume_image.devices_of(server):
        return Made(*volume_image.create(context, server, wanted, key=key))
    image = registration.new(context, wanted)

    def along(conn: Connection) -> None:
        registration.insert(conn, image)

    new = New(
        "server.create_image",
        payload={"image_id": image["id"]},
        asked=[name, dict(metadata)],
        along=along,
    )
    operation_id = submit.submit_new(context, server, new, key=key)
    with engine.reader() as conn:
        # of the first try, if this is another one
        payload = journal.get(conn, operation_id)["payload"]
    return Made(payload["image_id"], operation_id)


def _wanted(
    context: RequestContext, server: Row, name: str, metadata: Mapping[str, str]
) -> dict[str, Any]:
    base = _base(context, server["image_id"])
    inherited = base["properties"] if base else {}
    return {
        **inherited,
        OF_SERVER: server["id"],
        OF_TYPE: SNAPSHOT,
        OF_IMAGE: server["image_id"] or "",
        "user_id": context.user_id,
        **metadata,
        "name": name,
        "visibility": states.Visibility.PRIVATE,
        "container_format": "bare",
        "min_disk": server["root_gb"],
        "min_ram": base["min_ram"] if base else 0,
    }


def _base(context: RequestContext, image_id: str | None) -> images.Image | None:
    """The image that the server was made of, if it is still there for the caller to see."""
    if not image_id:
        return None
    try:
        with engine.reader() as conn:
            return access.load(conn, context, image_id)
    except exceptions.ImageNotFound:
        return None
