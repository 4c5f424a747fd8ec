"""Images that volumes are made from, and volumes that images are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import exceptions, states
from mycloud.common.context import RequestContext
from mycloud.common.states import Vol
from mycloud.db import engine, journal, volumes
from mycloud.image import reader, registration
from mycloud.journal.submit import New
from mycloud.volume.images import UPLOADED_AS
from mycloud.volume.requests import submit

Row = Mapping[str, Any]

_GIB = 1 << 30
#: What a volume knows of its image that is no property of it.
_ATTRIBUTES = frozenset(
    {
        "image_id", "image_name", "checksum", "container_format", "disk_format", "min_disk",
        "min_ram", "size",
    }
)


@dataclass(frozen=True)
class ImageFound:
    """An image as a backend is told of it, and what the volume is to know of it."""

    spec: dict[str, Any]
    metadata: dict[str, str]


def boot_snapshot(conn: Connection, context: RequestContext, image_id: str) -> str | None:
    """The snapshot that an image without data names as the boot disk; None if it names none.

    :raises BadField: there is no such image
    :raises Invalid: it is not ready
    """
    try:
        return reader.boot_snapshot(conn, context, image_id)
    except exceptions.NotFound as error:
        raise exceptions.BadField(field="imageRef", reason=error.message) from error


def find(
    conn: Connection, context: RequestContext, image_id: str, size_gb: int, *, field: str
) -> ImageFound:
    """An image that is to be written to a volume of that size. ``field``: of the body.

    :raises BadField: there is no such image
    :raises Invalid: it does not fit, or is not ready
    """
    try:
        image = reader.for_boot(conn, context, image_id)
    except exceptions.NotFound as error:
        raise exceptions.BadField(field=field, reason=error.message) from error
    needed = max(image["min_disk"], -(-(image["virtual_size"] or image["size"] or 0) // _GIB))
    if size_gb < needed:
        raise exceptions.Invalid(
            f"Invalid input received: Volume size {size_gb}GB cannot be smaller than the "
            f"image's minDisk or its disk of {needed}GB."
        )
    names = ("id", "checksum", "disk_format", "size", "properties")
    return ImageFound(
        spec={name: image[name] for name in names},
        metadata={
            "image_id": image["id"],
            "image_name": image["name"],
            "checksum": image["checksum"],
            "container_format": "bare",
            "disk_format": image["disk_format"],
            "min_disk": str(image["min_disk"]),
            "min_ram": str(image["min_ram"]),
            "size": str(image["size"] or 0),
            **image["properties"],
        },
    )


def reimage(
    context: RequestContext, volume: Row, image_id: str, *, reserved: bool, key: str | None = None
) -> str:
    """Write another image to a volume; the operation's id. ``reserved``: also to one that is kept
    for a server.

    :raises InvalidVolume: :raises BadField: :raises Invalid: the image does not fit
    """
    if volume["status"] == Vol.RESERVED and not reserved:
        raise exceptions.InvalidVolume(
            reason=f"Volume {volume['id']} is {Vol.RESERVED}; ask with reimage_reserved to write "
            "to it all the same."
        )
    if volume["encrypted"]:
        raise exceptions.InvalidVolume(
            reason="an image can't be written to an encrypted volume: its storage would see it."
        )
    with engine.reader() as conn:
        found = find(conn, context, image_id, volume["size_gb"], field="image_id")

    def along(conn: Connection) -> None:
        row = volumes.get(conn, volume["id"])
        if row["previous_status"] == Vol.RESERVED and not reserved:
            submit.refuse(conn, submit.VOLUME, volume, states.VOLUME["volume.reimage"])
        if row["previous_status"] == Vol.ERROR:
            # whatever was wrong with what it held, it holds something else now
            volumes.update(conn, volume["id"], {"previous_status": Vol.AVAILABLE})

    payload = {"image": found.spec, "image_metadata": found.metadata}
    new = New("volume.reimage", payload, asked=[image_id], along=along)
    return submit.submit(context, submit.VOLUME, volume, new, key=key)


# -- upload ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class UploadSpec:
    """What the caller asks for. ``force``: also while somebody uses the volume."""

    name: str
    disk_format: str = "raw"
    visibility: str = states.Visibility.PRIVATE
    protected: bool = False
    force: bool = False


def upload(
    context: RequestContext, volume: Row, spec: UploadSpec, *, key: str | None = None
) -> tuple[str, str]:
    """Make an image of a volume: its id, and that of the operation; both begin in one transaction.

    :raises InvalidVolume: its status does not allow it
    :raises BadField: the format is none that is written
    :raises Forbidden: who may make a public image is another question
    :raises ImageQuotaExceeded:
    """
    if spec.disk_format not in UPLOADED_AS:
        raise exceptions.BadField(
            field="disk_format",
            reason=f"a volume is uploaded as {' or '.join(UPLOADED_AS)}, not as "
            f"{spec.disk_format[:40]}",
        )
    if volume["encrypted"]:
        raise exceptions.InvalidVolume(
            reason="an encrypted volume can't be uploaded: nobody could read the image."
        )
    in_use = volume["status"] == Vol.IN_USE
    if in_use and not spec.force:
        raise exceptions.InvalidVolume(
            reason=f"Volume {volume['id']} is {Vol.IN_USE}; ask with force to upload what it "
            "holds at this moment."
        )
    image = registration.new(context, _wanted(volume, spec))
    payload = {"image_id": image["id"], "disk_format": spec.disk_format, "in_use": in_use}

    def along(conn: Connection) -> None:
        row = volumes.get(conn, volume["id"])
        if row["previous_status"] != volume["status"]:
            # who uses it has changed since
            submit.refuse(conn, submit.VOLUME, row, states.VOLUME["volume.upload_image"])
        registration.insert(conn, image)

    new = New("volume.upload_image", payload, asked=vars(spec), along=along)
    operation_id = submit.submit(context, submit.VOLUME, volume, new, key=key)
    with engine.reader() as conn:
        # of the first try, if this is another one
        return journal.get(conn, operation_id)["payload"]["image_id"], operation_id


def _wanted(volume: Row, spec: UploadSpec) -> dict[str, Any]:
    known = volume["image_metadata"] or {}
    properties = {name: value for name, value in known.items() if name not in _ATTRIBUTES}
    return {
        **properties,
        "name": spec.name,
        "disk_format": spec.disk_format,
        "container_format": "bare",
        "visibility": spec.visibility,
        "protected": spec.protected,
        "min_disk": volume["size_gb"],
        "min_ram": _number(known.get("min_ram")),
    }


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0
