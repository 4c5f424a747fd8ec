"""A server."""

from typing import Any

from oslo_versionedobjects import fields

from mycloud.common import clock, exceptions, states
from mycloud.db import engine
from mycloud.db import servers as db_servers
from mycloud.objects import base


@base.Registry.register
class Server(base.MycloudObject):
    VERSION = "1.0"
    SECRET = frozenset({"user_data"})
    TRAVELS = frozenset({"id", "vm_state"})
    fields = {
        "id": fields.StringField(),
        "project_id": fields.StringField(),
        "user_id": fields.StringField(),
        "name": fields.StringField(),
        "hostname": fields.StringField(),
        "description": fields.StringField(nullable=True),
        "vm_state": fields.StringField(),
        "task_state": fields.StringField(nullable=True),
        "power_state": fields.IntegerField(),
        "operation_id": fields.StringField(nullable=True),
        "host": fields.StringField(nullable=True),
        "node": fields.StringField(nullable=True),
        "availability_zone": fields.StringField(nullable=True),
        "requested_az": fields.StringField(nullable=True),
        "image_id": fields.StringField(nullable=True),
        "image_properties": base.JsonField(nullable=True),
        "flavor_id": fields.StringField(nullable=True),
        "flavor": base.JsonField(),
        "vcpus": fields.IntegerField(),
        "memory_mb": fields.IntegerField(),
        "root_gb": fields.IntegerField(),
        "ephemeral_gb": fields.IntegerField(),
        "swap_mb": fields.IntegerField(),
        "key_name": fields.StringField(nullable=True),
        "key_data": fields.StringField(nullable=True),
        "user_data": fields.StringField(nullable=True),
        "config_drive": fields.BooleanField(),
        "personality": base.JsonField(nullable=True),
        "disk_config": fields.StringField(),
        "metadata": base.JsonField(),
        "tags": fields.StringField(),
        "locked": fields.BooleanField(),
        "locked_by": fields.StringField(nullable=True),
        "locked_reason": fields.StringField(nullable=True),
        "access_ip_v4": fields.StringField(nullable=True),
        "access_ip_v6": fields.StringField(nullable=True),
        "progress": fields.IntegerField(),
        "fault": base.JsonField(nullable=True),
        "scheduler_hints": base.JsonField(nullable=True),
        "server_group_id": fields.StringField(nullable=True),
        "reservation_id": fields.StringField(nullable=True),
        "launch_index": fields.IntegerField(),
        "launched_at": base.UtcField(nullable=True),
        "terminated_at": base.UtcField(nullable=True),
        "deleted_at": base.UtcField(nullable=True),
        "created_at": base.UtcField(),
        "updated_at": base.UtcField(nullable=True),
    }

    @classmethod
    @base.remotable
    def get(cls, context: Any, server_id: str) -> "Server":
        """One live server, whichever project it belongs to.

        :raises ServerNotFound:
        """
        with engine.reader() as conn:
            return cls.from_row(context, db_servers.get(conn, server_id))

    @base.remotable
    def save(self, expected_task_state: str | None = None) -> None:
        """Write the changed fields, if the task state is still the expected one.

        :raises StateConflict: if it is not
        """
        if not self.changes():
            return
        self.updated_at = clock.now()
        with engine.writer() as conn:
            saved = db_servers.update(
                conn,
                self.id,
                self.changes(),
                task_state=expected_task_state,
            )
            if not saved:
                row = db_servers.get(conn, self.id)
                raise states_conflict("save", row)
        self.obj_reset_changes()

    @base.remotable
    def observe_power(self, power_state: int) -> bool:
        """Record what the hypervisor says of an idle server; False if it is busy or unchanged."""
        vm_state = states.POWER_TO_VM.get(power_state)
        changes: dict[str, Any] = {"power_state": power_state, "updated_at": clock.now()}
        known = [states.Vm.ACTIVE, states.Vm.STOPPED, states.Vm.PAUSED]
        if vm_state is not None and self.vm_state in known:
            changes["vm_state"] = vm_state
        with engine.writer() as conn:
            return db_servers.update(
                conn, self.id, changes, operation_id=None, vm_state=self.vm_state
            )

    @property
    def status(self) -> str:
        """The status that the API shows."""
        return states.server_status(self.vm_state, self.task_state)


def states_conflict(action: str, row: Any) -> Exception:
    """The conflict of an action with the state that a server's row is in."""
    task = row["task_state"]
    return exceptions.StateConflict(
        action=action,
        resource="instance",
        id=row["id"],
        attribute="task_state" if task else "vm_state",
        state=task or row["vm_state"],
    )


@base.Registry.register
class ServerList(base.MycloudListObject):
    VERSION = "1.0"
    fields = {"objects": fields.ListOfObjectsField("Server")}

    @classmethod
    @base.remotable
    def on_host(cls, context: Any, host: str) -> "ServerList":
        """The live servers of a host."""
        with engine.reader() as conn:
            rows = db_servers.on_host(conn, host)
        return cls.of(context, [Server.from_row(context, row) for row in rows])

    @classmethod
    @base.remotable
    def existing(cls, context: Any, server_ids: list[str]) -> list[str]:
        """Those of the ids that are live servers."""
        with engine.reader() as conn:
            return sorted(db_servers.existing(conn, server_ids))
