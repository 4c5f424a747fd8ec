"""A backup of a volume, with what a volume host must know to make, restore and delete it."""

from typing import Any

from oslo_versionedobjects import fields

from mycloud.common import exceptions
from mycloud.db import backups, engine, volumes
from mycloud.objects import base
from mycloud.objects.volume import Volume


@base.Registry.register
class Backup(base.MycloudObject):
    VERSION = "1.0"
    #: A change that a failed restore reports when it has not touched the volume.
    UNTOUCHED = backups.UNTOUCHED
    TRAVELS = frozenset({"id"})
    fields = {
        "id": fields.StringField(),
        "project_id": fields.StringField(),
        "volume_id": fields.StringField(),
        "snapshot_id": fields.StringField(nullable=True),
        "status": fields.StringField(),
        "size_gb": fields.IntegerField(),
        "data_timestamp": base.UtcField(nullable=True),
        "volume_record": base.JsonField(),
        # how the repository calls it, and the one that it is on top of
        "data_name": fields.StringField(),
        "parent_name": fields.StringField(nullable=True),
        # None: it is gone
        "volume": fields.ObjectField("Volume", nullable=True),
    }

    @classmethod
    @base.remotable
    def get(cls, context: Any, backup_id: str) -> "Backup":
        """One live backup, whichever project it belongs to.

        :raises BackupNotFound:
        """
        with engine.reader() as conn:
            row = backups.get(conn, backup_id)
            parent = volume = None
            if row["parent_id"]:
                parent = row["parent_id"]
                if backups.is_known(conn, parent):
                    parent = backups.get(conn, parent, deleted=True)["data_id"] or parent
            try:
                volume = Volume.from_row(context, volumes.get(conn, row["volume_id"]))
            except exceptions.VolumeNotFound:
                pass
        return cls.from_row(
            context, row, data_name=row["data_id"] or row["id"], parent_name=parent,
            volume=volume,
        )

    @classmethod
    @base.remotable
    def is_last_of_data(cls, context: Any, backup_id: str) -> bool:
        """Whether no other live backup has the same bytes in the repository."""
        with engine.reader() as conn:
            return not backups.sharing(conn, backups.get(conn, backup_id))
