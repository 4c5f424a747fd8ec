"""The passphrase of an encrypted volume, for the host that has it attached."""

from typing import Any

from oslo_versionedobjects import fields

from mycloud.db import attachments, engine, volume_keys
from mycloud.objects import base


@base.Registry.register
class VolumeKey(base.MycloudObject):
    """Only asked for; never kept."""

    VERSION = "1.0"
    fields = {"id": fields.StringField()}

    @classmethod
    @base.remotable
    def passphrase(cls, context: Any, attachment_id: str) -> str:
        """What opens the volume of a live attachment.

        :raises AttachmentNotFound: :raises KeyUnreadable:
        """
        with engine.reader() as conn:
            attachments.get(conn, attachment_id)
            [row] = attachments.full(conn, id=attachment_id)
            return volume_keys.passphrase(conn, row["encryption_key_id"])
