"""How a compute host brings the data of an image that it has made."""

from typing import Any

from oslo_versionedobjects import fields

from mycloud.common import context as mycontext
from mycloud.common import exceptions
from mycloud.common.states import Image
from mycloud.db import engine, images
from mycloud.image import sources, store, uploads
from mycloud.objects import base


@base.Registry.register
class ImageUpload(base.MycloudObject):
    VERSION = "1.0"
    SECRET = frozenset({"token"})
    fields = {
        "image_id": fields.StringField(),
        # a file beside the store, from which ``take`` takes it
        "path": fields.StringField(nullable=True),
        # to send it there, with a ticket for this image; the only way where it is set
        "url": fields.StringField(nullable=True),
        "token": fields.StringField(nullable=True),
    }

    @classmethod
    @base.remotable
    def begin(cls, context: Any, image_id: str, disk_format: str) -> "ImageUpload":
        """:raises ImageNotFound: when somebody has deleted it meanwhile"""
        return cls(context, image_id=image_id, **sources.to(image_id, disk_format))

    @classmethod
    @base.remotable
    def take(cls, context: Any, image_id: str) -> None:
        """Store what the host has left in the file.

        :raises Unavailable: when nothing is there: the host is on another machine
        :raises MycloudError: as uploads.receive
        """
        if not store.inbox(image_id).is_file():
            raise exceptions.Unavailable(what=f"The data of image {image_id}")
        blocks = store.take_from_inbox(image_id)
        uploads.receive(mycontext.admin_context(), image_id, blocks)

    @classmethod
    @base.remotable
    def is_stored(cls, context: Any, image_id: str) -> bool:
        """Whether the image has its data. False also for one that is deleted."""
        with engine.reader() as conn:
            try:
                image = images.get(conn, image_id, images.Viewer(None, everything=True))
            except exceptions.ImageNotFound:
                return False
        return bool(image["status"] == Image.ACTIVE)
