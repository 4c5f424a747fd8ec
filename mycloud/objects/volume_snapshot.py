"""A snapshot of a volume, with what its backend must know of the volume."""

from typing import Any

from oslo_versionedobjects import fields

from mycloud.common import clock
from mycloud.db import engine, snapshots, volumes
from mycloud.objects import base
from mycloud.objects.volume import Volume


@base.Registry.register
class VolumeSnapshot(base.MycloudObject):
    VERSION = "1.0"
    TRAVELS = frozenset({"id"})
    fields = {
        "id": fields.StringField(),
        "project_id": fields.StringField(),
        "volume_id": fields.StringField(),
        "name": fields.StringField(nullable=True),
        "size_gb": fields.IntegerField(),
        "status": fields.StringField(),
        "operation_id": fields.StringField(nullable=True),
        "encryption_key_id": fields.StringField(nullable=True),
        "image_metadata": base.JsonField(nullable=True),
        "volume": fields.ObjectField("Volume"),
    }

    @classmethod
    @base.remotable
    def get(cls, context: Any, snapshot_id: str) -> "VolumeSnapshot":
        """One live snapshot with its volume, whichever project they belong to.

        :raises SnapshotNotFound: :raises VolumeNotFound:
        """
        with engine.reader() as conn:
            row = snapshots.get(conn, snapshot_id)
            volume = volumes.get(conn, row["volume_id"], deleted=True)
        return cls.from_row(context, row, volume=Volume.from_row(context, volume))

    @classmethod
    @base.remotable
    def change(cls, context: Any, snapshot_id: str, changes: dict[str, Any]) -> None:
        """Write columns that an operation finds out on its way."""
        with engine.writer() as conn:
            snapshots.update(conn, snapshot_id, {**changes, "updated_at": clock.now()})


@base.Registry.register
class VolumeSnapshotList(base.MycloudListObject):
    VERSION = "1.0"
    fields = {"objects": fields.ListOfObjectsField("VolumeSnapshot")}

    @classmethod
    @base.remotable
    def on_backend(cls, context: Any, host: str) -> "VolumeSnapshotList":
        """The live snapshots of the volumes of a volume service."""
        with engine.reader() as conn:
            found = []
            for volume in volumes.on_backend(conn, host):
                near = Volume.from_row(context, volume)
                found += [
                    VolumeSnapshot.from_row(context, row, volume=near)
                    for row in snapshots.of_volume(conn, volume["id"])
                ]
        return cls.of(context, found)
