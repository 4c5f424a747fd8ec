"""A volume, and what its backend's service tells of its pools."""

from typing import Any

from oslo_versionedobjects import fields

from mycloud.common import clock
from mycloud.common.states import Vol
from mycloud.db import engine, volume_pools
from mycloud.db import volumes as db_volumes
from mycloud.objects import base


@base.Registry.register
class Volume(base.MycloudObject):
    VERSION = "1.0"
    TRAVELS = frozenset({"id"})
    fields = {
        "id": fields.StringField(),
        "project_id": fields.StringField(),
        "user_id": fields.StringField(),
        "name": fields.StringField(nullable=True),
        "size_gb": fields.IntegerField(),
        "grows_to_gb": fields.IntegerField(nullable=True),
        "status": fields.StringField(),
        "previous_status": fields.StringField(nullable=True),
        "operation_id": fields.StringField(nullable=True),
        "host": fields.StringField(nullable=True),
        "name_id": fields.StringField(nullable=True),
        "availability_zone": fields.StringField(nullable=True),
        "volume_type_id": fields.StringField(nullable=True),
        "snapshot_id": fields.StringField(nullable=True),
        "source_volid": fields.StringField(nullable=True),
        "backup_id": fields.StringField(nullable=True),
        "bootable": fields.BooleanField(),
        "multiattach": fields.BooleanField(),
        "read_only": fields.BooleanField(),
        "encrypted": fields.BooleanField(),
        "encryption_key_id": fields.StringField(nullable=True),
        "migration_status": fields.StringField(nullable=True),
        "metadata": base.JsonField(),
        "image_metadata": base.JsonField(nullable=True),
        "created_at": base.UtcField(),
        "deleted_at": base.UtcField(nullable=True),
    }

    @property
    def backend_name(self) -> str:
        """How its backend calls it."""
        found: str = self.name_id or self.id
        return found

    @property
    def service_host(self) -> str:
        """Its service: HOST@BACKEND."""
        return volume_pools.split(self.host or "")[0]

    @property
    def pool(self) -> str:
        """The pool that it lies in."""
        return volume_pools.split(self.host or "")[1]

    @classmethod
    @base.remotable
    def get(cls, context: Any, volume_id: str) -> "Volume":
        """One live volume, whichever project it belongs to.

        :raises VolumeNotFound:
        """
        with engine.reader() as conn:
            return cls.from_row(context, db_volumes.get(conn, volume_id))

    @classmethod
    @base.remotable
    def change(cls, context: Any, volume_id: str, changes: dict[str, Any]) -> None:
        """Write columns that an operation finds out on its way (host, name_id,
        image_metadata, bootable ...).

        :raises VolumeNotFound:
        """
        with engine.writer() as conn:
            db_volumes.get(conn, volume_id)
            db_volumes.update(conn, volume_id, {**changes, "updated_at": clock.now()})

    @classmethod
    @base.remotable
    def export_lost(cls, context: Any, volume_id: str, reason: str) -> bool:
        """A volume that is in use can't be reached any more: it is in error. False if something
        else is done to it: then it is left alone."""
        now = clock.now()
        fault = {"code": 500, "message": reason, "created": now.isoformat(timespec="seconds")}
        changes = {"status": Vol.ERROR, "fault": fault, "updated_at": now}
        with engine.writer() as conn:
            return db_volumes.update(
                conn, volume_id, changes, status=Vol.IN_USE, operation_id=None
            )


@base.Registry.register
class VolumeList(base.MycloudListObject):
    VERSION = "1.0"
    fields = {"objects": fields.ListOfObjectsField("Volume")}

    @classmethod
    @base.remotable
    def on_backend(cls, context: Any, host: str) -> "VolumeList":
        """The live volumes of a volume service."""
        with engine.reader() as conn:
            rows = db_volumes.on_backend(conn, host)
        return cls.of(context, [Volume.from_row(context, row) for row in rows])


@base.Registry.register
class VolumePool(base.MycloudObject):
    """What a backend tells of itself; only written."""

    VERSION = "1.0"
    fields = {"host": fields.StringField()}

    @classmethod
    @base.remotable
    def publish(cls, context: Any, host: str, pools: list[dict[str, Any]]) -> None:
        """Record the pools of a service (see db.volume_pools.publish); none: it can't work."""
        with engine.writer() as conn:
            volume_pools.publish(conn, host, pools, clock.now())
