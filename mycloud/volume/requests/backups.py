"""Backups of volumes: create, restore, delete, update.

A backup belongs to the project of whoever makes it. An incremental one is on top of the newest
backup of the volume that this project has.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions, policy
from mycloud.common.context import RequestContext
from mycloud.common.states import Backup, Snap, Vol
from mycloud.db import backup_list, backups, engine, journal, snapshots, volume_pools, volumes
from mycloud.db.backup_list import Wanted
from mycloud.journal import submit as journal_submit
from mycloud.journal.submit import New
from mycloud.volume.requests import create as create_request
from mycloud.volume.requests import quotas, submit
from mycloud.volume.requests import volumes as volume_requests
from mycloud.volume.requests.create import VolumeSpec

Row = Mapping[str, Any]

KIND = "backup.create"
#: What an operator may say that a backup is.
RESETS = (Backup.AVAILABLE, Backup.ERROR)
_RECORDED = (
    "name", "description", "metadata", "bootable", "image_metadata", "encrypted",
    "volume_type_id", "size_gb",
)  # fmt: skip


@dataclass(frozen=True)
class BackupSpec:
    """What the caller asks for. ``force``: also of a volume that is in use; ``container``: a
    label that is shown."""

    volume_id: str
    name: str | None = None
    description: str | None = None
    container: str | None = None
    snapshot_id: str | None = None
    availability_zone: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    incremental: bool = False
    force: bool = False


def own_project(context: RequestContext) -> str | None:
    """Whose backups a caller may see and change; None: everybody's."""
    if policy.allowed(context, "volume:backups:all_projects"):
        return None
    return context.project_id or ""


def get(context: RequestContext, backup_id: str) -> Row:
    """A live backup that the caller may see, as ``backup_list`` has it.

    :raises BackupNotFound: also for another project's
    """
    with engine.reader() as conn:
        return backup_list.get(conn, backup_id, project_id=own_project(context))


def page(wanted: Wanted, *, counted: bool) -> tuple[list[Row], int | None]:
    """The backups that match, and with ``counted`` how many there are on all pages.

    :raises UnknownMarker:
    """
    with engine.reader() as conn:
        found = backup_list.page(conn, wanted)
        return found, backup_list.count(conn, wanted) if counted else None


# -- making ------------------------------------------------------------------------------------


def create(
    context: RequestContext, spec: BackupSpec, *, key: str | None = None
) -> tuple[Row, str]:
    """Accept a backup; its row and the operation that makes it.

    :raises BackupsDisabled:
    :raises VolumeNotFound: :raises SnapshotNotFound:
    :raises InvalidVolume: :raises InvalidSnapshot: its status does not allow it
    :raises InvalidBackup: there is none that an incremental one could be on top of
    :raises VolumeQuotaExceeded:
    """
    if not cfg.CONF.backup.enabled:
        raise exceptions.BackupsDisabled()
    asked = journal_submit.digest(KIND, vars(spec))
    scoped = journal_submit.scoped_key(context, key)
    return _create(context, spec, scoped, asked)


@journal_submit.once_per_key
@engine.retried
def _create(
    context: RequestContext, spec: BackupSpec, key: str | None, asked: str
) -> tuple[Row, str]:
    with engine.writer() as conn:
        done = journal_submit.replay(conn, key, asked)
        if done is not None:
            return backups.get(conn, done["resource_id"], deleted=True), done["id"]
        own = volume_requests.own_project(context)
        volume = volumes.get(conn, spec.volume_id, project_id=own)
        snapshot = None
        if spec.snapshot_id:
            snapshot = snapshots.get(conn, spec.snapshot_id, project_id=own)
        _check_source(volume, snapshot, spec)
        row = _row(conn, context, spec, volume, snapshot=snapshot)
        quotas.check(
            conn, row["project_id"], {"backups": 1, "backup_gigabytes": row["size_gb"]},
            type_name=None,
        )
        operation = submit.operation(
            context, KIND, row, place=volume["host"], id=row["operation_id"],
            second_id=volume["id"],
            payload={
                "volume_id": volume["id"],
                "snapshot_id": spec.snapshot_id,
                "in_use": snapshot is None and volume["status"] == Vol.IN_USE,
            },
        )
        if key:
            operation |= {"idempotency_key": key, "idempotency_digest": asked}
        if snapshot is not None:
            submit.move(conn, submit.SNAPSHOT, snapshot["id"], operation)
        else:
            submit.move(conn, submit.VOLUME, volume["id"], operation)
        backups.insert(conn, row)
        journal.insert(conn, operation)
        made = backups.get(conn, row["id"])
    journal_submit.ring(context, operation)
    return made, operation["id"]


def _check_source(volume: Row, snapshot: Row | None, spec: BackupSpec) -> None:
    if snapshot is not None:
        if snapshot["volume_id"] != volume["id"]:
            raise exceptions.InvalidSnapshot(
                reason=f"Snapshot {snapshot['id']} is not one of volume {volume['id']}."
            )
        if snapshot["status"] != Snap.AVAILABLE:
            raise exceptions.InvalidSnapshot(
                reason="Snapshot to be backed up must be available, but the current status is "
                f'"{snapshot["status"]}".'
            )
        return
    if volume["status"] not in (Vol.AVAILABLE, Vol.IN_USE):
        raise exceptions.InvalidVolume(
            reason="Volume to be backed up must be available or in-use, but the current status "
            f'is "{volume["status"]}".'
        )
    if volume["status"] == Vol.IN_USE and not spec.force:
        raise exceptions.InvalidVolume(
            reason="Backing up an in-use volume must use the force flag."
        )


def _row(
    conn: Connection, context: RequestContext, spec: BackupSpec, volume: Row, *,
    snapshot: Row | None,
) -> dict[str, Any]:
    assert context.project_id is not None
    now = clock.now()
    taken = snapshot["created_at"] if snapshot else now
    parent = None
    if spec.incremental:
        before = taken if snapshot else None
        parent = _parent(conn, volume["id"], context.project_id, before)
    size = snapshot["size_gb"] if snapshot else volume["size_gb"]
    return {
        "id": clock.new_id(),
        "project_id": context.project_id,
        "user_id": context.user_id,
        "volume_id": volume["id"],
        "snapshot_id": spec.snapshot_id,
        "parent_id": parent["id"] if parent else None,
        "name": spec.name,
        "description": spec.description,
        "status": Backup.CREATING,
        "operation_id": clock.new_id(),
        "host": volume_pools.split(volume["host"] or "")[0] or None,
        "availability_zone": spec.availability_zone or volume["availability_zone"],
        "container": spec.container,
        "size_gb": size,
        "object_count": 0,
        "is_incremental": parent is not None,
        "encryption_key_id": volume["encryption_key_id"],
        "volume_type_id": volume["volume_type_id"],
        "metadata": spec.metadata,
        "volume_record": {**{name: volume[name] for name in _RECORDED}, "size_gb": size},
        "data_timestamp": taken,
        "created_at": now,
    }


def _parent(
    conn: Connection, volume_id: str, project_id: str, before: datetime.datetime | None
) -> Row:
    found = backups.latest(conn, volume_id, project_id, before=before)
    # a deletion that begins meanwhile waits for this transaction, and then finds the dependant
    if found is None or not backups.update(
        conn, found["id"], {"status": Backup.AVAILABLE}, status=Backup.AVAILABLE
    ):
        raise exceptions.InvalidBackup(
            reason="No backups available to do an incremental backup; make a full one first."
        )
    return found


# -- restoring ---------------------------------------------------------------------------------


def restore(
    context: RequestContext, backup: Row, *, volume_id: str | None = None,
    name: str | None = None, key: str | None = None,
) -> tuple[Row, str]:
    """Restore a backup to a volume that there is, or to a new one called ``name``; the volume
    and the operation.

    :raises InvalidBackup: its status does not allow it
    :raises InvalidVolume: the status or the size of the volume does not allow it
    :raises VolumeQuotaExceeded:
    """
    if volume_id is not None:
        return _restore_to(context, backup, volume_id, key)
    spec = VolumeSpec(
        name=name or f"restore_backup_{backup['id']}",
        description="auto-created_from_restore_from_backup",
        backup_id=backup["id"],
        metadata=dict(backup["volume_record"].get("metadata") or {}),
    )
    return create_request.create(context, spec, key=key)


def _restore_to(
    context: RequestContext, backup: Row, volume_id: str, key: str | None
) -> tuple[Row, str]:
    volume = volume_requests.get(context, volume_id)
    _check_target(backup, volume)
    record = backup["volume_record"]

    def along(conn: Connection) -> None:
        begun = backups.get(conn, backup["id"])["operation_id"]
        submit.move(conn, submit.VOLUME, volume["id"], journal.get(conn, begun))

    new = New(
        "backup.restore",
        {
            "volume_id": volume["id"],
            "volume_changes": {
                "bootable": record.get("bootable", False),
                "image_metadata": record.get("image_metadata"),
            },
        },
        along=along,
    )
    # the service of the volume does it, and it is told of that volume
    noun = replace(submit.BACKUP, place=lambda conn, row: volume["host"])
    about = {**backup, "volume_id": volume["id"]}
    operation_id = submit.submit(context, noun, about, new, key=key)
    return volume, operation_id


def _check_target(backup: Row, volume: Row) -> None:
    if volume["size_gb"] < backup["size_gb"]:
        raise exceptions.InvalidVolume(
            reason=f"volume size {volume['size_gb']} GB is too small to restore backup of size "
            f"{backup['size_gb']} GB."
        )
    keys = (backup["encryption_key_id"], volume["encryption_key_id"])
    if keys[0] != keys[1]:
        raise exceptions.InvalidVolume(
            reason="it and the backup are not encrypted with the same key; restore the backup to "
            "a new volume."
        )


# -- deleting and changing ---------------------------------------------------------------------


def delete(
    context: RequestContext, backup: Row, *, force: bool = False, key: str | None = None
) -> str:
    """Delete a backup; the operation's id. ``force``: whatever its status is.

    :raises InvalidBackup: its status does not allow it, or others are on top of it
    """
    def along(conn: Connection) -> None:
        if backups.dependants(conn, backup):
            raise exceptions.InvalidBackup(
                reason="Incremental backups exist for this backup; delete them first."
            )

    if force:
        with engine.reader() as conn:
            along(conn)
        _say(backup["id"], Backup.ERROR)
    new = New("backup.delete", {"volume_id": backup["volume_id"]}, along=along)
    return submit.submit(context, submit.BACKUP, backup, new, key=key)


@engine.retried
def _say(backup_id: str, status: str) -> None:
    """Let a backup have a status, whatever is being done to it."""
    with engine.writer() as conn:
        backups.update(
            conn, backup_id,
            {
                "status": status, "previous_status": None, "operation_id": None,
                "updated_at": clock.now(),
            },
        )


def reset_status(backup: Row, status: str) -> None:
    """Say what a backup is: one of RESETS.

    :raises BadField: it is none of them
    :raises InvalidBackup: nothing of it may be there to be available
    """
    if status not in RESETS:
        raise exceptions.BadField(field="status", reason=f"it is one of {', '.join(RESETS)}.")
    if status == Backup.AVAILABLE and not backup["object_count"]:
        raise exceptions.InvalidBackup(
            reason=f"Backup {backup['id']} was never whole, so it can't be available."
        )
    _say(backup["id"], status)


@engine.retried
def update(context: RequestContext, backup_id: str, changes: dict[str, Any]) -> Row:
    """Change name, description or metadata.

    :raises BackupNotFound:
    """
    with engine.writer() as conn:
        backups.get(conn, backup_id, project_id=own_project(context))
        backups.update(conn, backup_id, {**changes, "updated_at": clock.now()})
        return backups.get(conn, backup_id)
