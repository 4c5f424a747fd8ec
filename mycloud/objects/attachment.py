"""An attachment of a volume, with all that the hosts on both sides must know."""

from typing import Any

from oslo_versionedobjects import fields

from mycloud.common import clock
from mycloud.common.states import Attach
from mycloud.db import attachments, engine, volume_pools
from mycloud.objects import base


@base.Registry.register
class Attachment(base.MycloudObject):
    VERSION = "1.0"
    TRAVELS = frozenset({"id"})
    fields = {
        "id": fields.StringField(),
        "project_id": fields.StringField(),
        "volume_id": fields.StringField(),
        "server_id": fields.StringField(nullable=True),
        "status": fields.StringField(),
        "mode": fields.StringField(),
        "host": fields.StringField(nullable=True),
        "mountpoint": fields.StringField(nullable=True),
        "connector": base.JsonField(nullable=True),
        "connection_info": base.JsonField(nullable=True),
        # of the volume
        "volume_host": fields.StringField(nullable=True),
        "volume_name": fields.StringField(),
        "volume_title": fields.StringField(nullable=True),
        "volume_size_gb": fields.IntegerField(),
        "volume_status": fields.StringField(),
        "multiattach": fields.BooleanField(),
        "read_only": fields.BooleanField(),
        "encrypted": fields.BooleanField(),
        "encryption_key_id": fields.StringField(nullable=True),
        # of its type
        "encryption": base.JsonField(nullable=True),
        "qos_consumer": fields.StringField(nullable=True),
        "qos": base.JsonField(nullable=True),
        # of the server's device
        "device_id": fields.StringField(nullable=True),
        "device_name": fields.StringField(nullable=True),
        "disk_bus": fields.StringField(nullable=True),
        "device_type": fields.StringField(nullable=True),
        "boot_index": fields.IntegerField(nullable=True),
        "tag": fields.StringField(nullable=True),
        "delete_on_termination": fields.BooleanField(nullable=True),
    }

    @property
    def service_host(self) -> str:
        """The service of the volume: HOST@BACKEND."""
        return volume_pools.split(self.volume_host or "")[0]

    @property
    def writable(self) -> bool:
        """Whether its host may write to the volume."""
        return bool(self.mode == "rw" and not self.read_only)

    @classmethod
    @base.remotable
    def get(cls, context: Any, attachment_id: str) -> "Attachment":
        """One live attachment.

        :raises AttachmentNotFound:
        """
        with engine.reader() as conn:
            attachments.get(conn, attachment_id)
            [row] = attachments.full(conn, id=attachment_id)
        return cls.from_row(context, row)

    @classmethod
    @base.remotable
    def change(cls, context: Any, attachment_id: str, changes: dict[str, Any]) -> None:
        """Write columns (host, connector, connection_info without secrets, mountpoint ...).

        :raises AttachmentNotFound:
        """
        with engine.writer() as conn:
            attachments.get(conn, attachment_id)
            attachments.update(conn, attachment_id, {**changes, "updated_at": clock.now()})

    @classmethod
    @base.remotable
    def begin(
        cls, context: Any, attachment_id: str, changes: dict[str, Any]
    ) -> "Attachment":
        """A host has begun to take the volume: as ``change``, and a reserved attachment is
        attaching from now on; how it is then."""
        now = clock.now()
        with engine.writer() as conn:
            row = attachments.get(conn, attachment_id)
            values = {**changes, "updated_at": now}
            if row["status"] == Attach.RESERVED:
                values["status"] = Attach.ATTACHING
            attachments.update(conn, attachment_id, values)
            if "status" in values:
                attachments.follow(conn, row["volume_id"], now)
            [full] = attachments.full(conn, id=attachment_id)
        return cls.from_row(context, full)


@base.Registry.register
class AttachmentList(base.MycloudListObject):
    VERSION = "1.0"
    fields = {"objects": fields.ListOfObjectsField("Attachment")}

    @classmethod
    @base.remotable
    def of_server(cls, context: Any, server_id: str) -> "AttachmentList":
        """The live attachments that are disks of a server, in the order of its devices."""
        with engine.reader() as conn:
            rows = attachments.disks_of(conn, server_id)
        return cls.of(context, [Attachment.from_row(context, row) for row in rows])

    @classmethod
    @base.remotable
    def of_volume(cls, context: Any, volume_id: str) -> "AttachmentList":
        """The live attachments of a volume."""
        return cls._where(context, volume_id=volume_id)

    @classmethod
    @base.remotable
    def on_host(cls, context: Any, host: str) -> "AttachmentList":
        """The live attachments of a compute host."""
        return cls._where(context, host=host)

    @classmethod
    @base.remotable
    def on_backend(cls, context: Any, host: str) -> "AttachmentList":
        """The live attachments of the volumes of a volume service."""
        with engine.reader() as conn:
            rows = attachments.full_on_backend(conn, host)
        return cls.of(context, [Attachment.from_row(context, row) for row in rows])

    @classmethod
    @base.remotable
    def needed(cls, context: Any, keys: list[str]) -> list[str]:
        """Those of the keys of exports that live attachments have, or operations under way."""
        with engine.reader() as conn:
            return sorted(attachments.needed(conn, keys))

    @classmethod
    def _where(cls, context: Any, **which: str) -> "AttachmentList":
        with engine.reader() as conn:
            rows = attachments.full(conn, **which)
        return cls.of(context, [Attachment.from_row(context, row) for row in rows])
