"""Where a compute host gets an image's bytes from."""

from typing import Any

from oslo_versionedobjects import fields

from mycloud.image import sources
from mycloud.objects import base

#: The header that carries ``token`` to ``url``.
TICKET_HEADER = sources.TICKET_HEADER


@base.Registry.register
class ImageSource(base.MycloudObject):
    VERSION = "1.0"
    SECRET = frozenset({"token"})
    fields = {
        "image_id": fields.StringField(),
        # a file of the image store; useful where the store is on the same machine
        "path": fields.StringField(nullable=True),
        # to download it from elsewhere, with a ticket for this image; none where nobody set up so
        "url": fields.StringField(nullable=True),
        "token": fields.StringField(nullable=True),
    }

    @classmethod
    @base.remotable
    def get(cls, context: Any, image_id: str) -> "ImageSource":
        """:raises ImageNotFound: also for an image that is not active"""
        return cls(context, image_id=image_id, **sources.of(context, image_id))
