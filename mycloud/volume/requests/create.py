"""Create volumes: every refusal, then one transaction, then one ring.

``rows`` and ``insert`` are for servers too, whose volumes are made in their own transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions, policy
from mycloud.common.context import RequestContext
from mycloud.common.states import Snap, Vol
from mycloud.db import (
    backups,
    engine,
    journal,
    services,
    snapshots,
    volume_keys,
    volume_list,
    volume_pools,
    volume_types,
    volumes,
)
from mycloud.journal import submit as journal_submit
from mycloud.scheduler import rpcapi as scheduler_rpcapi
from mycloud.volume.requests import images, quotas, submit, types
from mycloud.volume.requests import services as service_requests

Row = Mapping[str, Any]

KIND = "volume.create"
#: GiB; the largest size that a request may name.
MAX_SIZE = 2147483647


@dataclass(frozen=True)
class VolumeSpec:
    """What the caller asks for. ``size_gb`` None: as big as what it is made from.

    At most one of ``snapshot_id``, ``source_volid``, ``image_ref`` and ``backup_id``.
    """

    size_gb: int | None = None
    name: str | None = None
    description: str | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    snapshot_id: str | None = None
    source_volid: str | None = None
    image_ref: str | None = None
    backup_id: str | None = None
    multiattach: bool = False
    hints: dict[str, Any] | None = None


@dataclass(frozen=True)
class Found:
    """What the references of a request lead to, and what follows from them."""

    size_gb: int
    type: Row | None = None
    #: what the backend is told of the source
    payload: dict[str, Any] = field(default_factory=dict)
    #: columns of the volume that it inherits
    inherited: dict[str, Any] = field(default_factory=dict)


def create(
    context: RequestContext, spec: VolumeSpec, *, key: str | None = None
) -> tuple[Row, str]:
    """Accept a volume; its row with its type's name, and the operation that makes it.

    :raises Invalid: :raises NotFound: what it refers to is not there, or does not fit
    :raises VolumeQuotaExceeded:
    """
    asked = journal_submit.digest(KIND, vars(spec))
    scoped = journal_submit.scoped_key(context, key)
    return _create(context, spec, scoped, asked)


@journal_submit.once_per_key
@engine.retried
def _create(
    context: RequestContext, spec: VolumeSpec, key: str | None, asked: str
) -> tuple[Row, str]:
    with engine.writer() as conn:
        done = journal_submit.replay(conn, key, asked)
        if done is not None:
            made = volumes.get(conn, done["resource_id"], deleted=True)
            kind = volume_types.by_id(conn, made["volume_type_id"] or "")
            return volume_list.as_shown(made, kind["name"] if kind else None), done["id"]
        volume, operation = insert(conn, context, spec, find(conn, context, spec))
        if spec.backup_id:
            submit.move(conn, submit.BACKUP, spec.backup_id, operation)
        if key:
            operation |= {"idempotency_key": key, "idempotency_digest": asked}
        journal.insert(conn, operation)
    journal_submit.ring(context, operation)
    return volume, operation["id"]


# -- what it refers to ------------------------------------------------------------------------


def find(conn: Connection, context: RequestContext, spec: VolumeSpec) -> Found:
    """Look up what a request refers to, and refuse what does not fit.

    :raises Invalid: :raises NotFound:
    """
    given = [
        name
        for name in ("snapshot_id", "source_volid", "image_ref", "backup_id")
        if getattr(spec, name)
    ]
    if len(given) > 1:
        raise exceptions.Invalid(
            f"A volume is made from one thing at most; {' and '.join(given)} were given."
        )
    _check_zone(conn, spec.availability_zone)
    made = _SOURCES[given[0]](conn, context, spec) if given else _empty(spec)
    chosen = _type(conn, context, spec, made)
    return Found(made.size_gb, chosen, made.payload, made.inherited)


def _empty(spec: VolumeSpec) -> Found:
    if spec.size_gb is None:
        raise exceptions.BadField(field="size", reason="it is missing: GiB, a whole number.")
    return Found(spec.size_gb)


def _own_project(context: RequestContext) -> str | None:
    """Whose volumes a caller may use; None: everybody's."""
    if policy.allowed(context, "volume:volumes:all_projects"):
        return None
    return context.project_id or ""


def _from_snapshot(conn: Connection, context: RequestContext, spec: VolumeSpec) -> Found:
    # nobody deletes it between this look and the volume's row
    snapshots.take_turn(conn, str(spec.snapshot_id))
    snapshot = snapshots.get(
        conn, str(spec.snapshot_id), project_id=_own_project(context)
    )
    if snapshot["status"] not in (Snap.AVAILABLE, Snap.BACKING_UP):
        raise exceptions.InvalidSnapshot(
            reason=f"Originating snapshot status must be available, but it is "
            f"{snapshot['status']}."
        )
    volume = volumes.get(conn, snapshot["volume_id"], deleted=True)
    size = _at_least(spec, snapshot["size_gb"], "the snapshot")
    return Found(
        size,
        payload={
            "source": {
                "snapshot": snapshot["id"], "snapshot_volume": volume["name_id"] or volume["id"],
            },
            "place": volume_pools.split(volume["host"] or "")[0],
        },
        inherited=_inherited(volume) | {
            "image_metadata": snapshot["image_metadata"] or volume["image_metadata"],
        },
    )


def _from_volume(conn: Connection, context: RequestContext, spec: VolumeSpec) -> Found:
    volumes.take_turn(conn, str(spec.source_volid))
    volume = volumes.get(conn, str(spec.source_volid), project_id=_own_project(context))
    if volume["status"] not in (Vol.AVAILABLE, Vol.IN_USE):
        raise exceptions.InvalidVolume(
            reason=f"the source volume must be available or in-use, but it is "
            f"{volume['status']}."
        )
    size = _at_least(spec, volume["size_gb"], "the source volume")
    return Found(
        size,
        payload={
            "source": {"volume": volume["name_id"] or volume["id"], "volume_id": volume["id"]},
            "place": volume_pools.split(volume["host"] or "")[0],
        },
        inherited=_inherited(volume),
    )


def _inherited(volume: Row) -> dict[str, Any]:
    return {
        "bootable": volume["bootable"],
        "image_metadata": volume["image_metadata"],
        "encrypted": volume["encrypted"],
        "encryption_key_id": volume["encryption_key_id"],
        "volume_type_id": volume["volume_type_id"],
        "multiattach": volume["multiattach"],
    }


def _at_least(spec: VolumeSpec, least: int, what: str) -> int:
    if spec.size_gb is None:
        return least
    if spec.size_gb < least:
        raise exceptions.Invalid(
            f"Invalid input received: Volume size '{spec.size_gb}' GB cannot be smaller than "
            f"{what}'s size {least} GB. It must be at least as big."
        )
    return spec.size_gb


def _from_image(conn: Connection, context: RequestContext, spec: VolumeSpec) -> Found:
    named = images.boot_snapshot(conn, context, str(spec.image_ref))
    if named is not None:
        # an image of a server that boots from a volume
        found = _from_snapshot(conn, context, replace(spec, snapshot_id=named))
        return replace(found, inherited={**found.inherited, "snapshot_id": named})
    if spec.size_gb is None:
        raise exceptions.BadField(field="size", reason="it is missing: GiB, a whole number.")
    found = images.find(conn, context, str(spec.image_ref), spec.size_gb, field="imageRef")
    return Found(
        spec.size_gb,
        payload={"source": {"image": found.spec}},
        inherited={"bootable": True, "image_metadata": found.metadata},
    )


def _from_backup(conn: Connection, context: RequestContext, spec: VolumeSpec) -> Found:
    backup = backups.get(conn, str(spec.backup_id), project_id=_own_project(context))
    submit.check(conn, submit.BACKUP, backup, KIND)
    size = _at_least(spec, backup["size_gb"], "the backup")
    record = backup["volume_record"]
    inherited = {
        "bootable": record.get("bootable", False),
        "image_metadata": record.get("image_metadata"),
    }
    known = volume_types.by_id(conn, record.get("volume_type_id") or "")
    if record.get("encrypted"):
        if known is None:
            raise exceptions.InvalidBackup(
                reason=f"Backup {backup['id']} is of an encrypted volume whose type is gone."
            )
        inherited |= {"encrypted": True, "encryption_key_id": backup["encryption_key_id"]}
    if known is not None and (record.get("encrypted") or not spec.volume_type):
        inherited["volume_type_id"] = known["id"]
    return Found(size, payload={"source": {"backup": backup["id"]}}, inherited=inherited)


_SOURCES = {
    "backup_id": _from_backup,
    "snapshot_id": _from_snapshot,
    "source_volid": _from_volume,
    "image_ref": _from_image,
}


def _check_zone(conn: Connection, zone: str | None) -> None:
    if zone is None:
        return
    rows = services.every(conn, binary=service_requests.BINARY)
    known = {row["availability_zone"] or cfg.CONF.default_availability_zone for row in rows}
    if zone not in known:
        raise exceptions.BadField(
            field="availability_zone",
            reason=f"Availability zone '{zone}' is invalid; there are: "
            f"{', '.join(sorted(known)) or 'none'}.",
        )


def _type(
    conn: Connection, context: RequestContext, spec: VolumeSpec, made: Found
) -> Row | None:
    inherited = made.inherited.get("volume_type_id")
    if inherited and not spec.volume_type:
        return volume_types.by_id(conn, inherited)
    found = types.resolve(conn, context, spec.volume_type)
    if inherited and found is not None and inherited != found["id"]:
        raise exceptions.Invalid(
            "Invalid input received: Invalid volume_type provided: it must be that of the "
            "source, or not be given; retype the volume afterwards."
        )
    return found


# -- rows --------------------------------------------------------------------------------------


def insert(
    conn: Connection, context: RequestContext, spec: VolumeSpec, found: Found
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Count the quota and write the volume, in this transaction; its row, and that of its
    operation, which the caller writes and rings.

    :raises VolumeQuotaExceeded:
    """
    assert context.project_id is not None
    wanted = {
        "volumes": 1, "gigabytes": found.size_gb, "per_volume_gigabytes": found.size_gb,
    }
    quotas.check(
        conn, context.project_id, wanted, type_name=found.type["name"] if found.type else None
    )
    now = clock.now()
    specs = dict(found.type["extra_specs"]) if found.type else {}
    operation_id = clock.new_id()
    row = {
        "id": clock.new_id(),
        "project_id": context.project_id,
        "user_id": context.user_id,
        "name": spec.name,
        "description": spec.description,
        "size_gb": found.size_gb,
        "status": Vol.CREATING,
        "operation_id": operation_id,
        "availability_zone": spec.availability_zone,
        "snapshot_id": spec.snapshot_id,
        "source_volid": spec.source_volid,
        "backup_id": spec.backup_id,
        "metadata": spec.metadata,
        "scheduler_hints": spec.hints,
        "created_at": now,
        "updated_at": None,
        **{name: value for name, value in found.inherited.items() if value is not None},
        "volume_type_id": found.type["id"] if found.type else None,
        "multiattach": spec.multiattach or types.is_multiattach(found.type),
        "bootable": bool(found.inherited.get("bootable")),
        "encrypted": bool(found.inherited.get("encrypted")),
    }
    if found.type is not None and found.type["encryption"] and not row.get("encryption_key_id"):
        types.check_encryption(found.type)
        given = (spec.source_volid, spec.snapshot_id, spec.backup_id)
        if found.inherited.get("bootable") or any(given):
            raise exceptions.Invalid(
                "Invalid input received: an encrypted volume is made empty, or from an encrypted "
                "one of the same type: only the server's host ever sees its plain bytes."
            )
        row |= {
            "encrypted": True,
            "encryption_key_id": volume_keys.make(conn, context.project_id),
        }
    volumes.insert(conn, [row])
    operation = journal_submit.operation(
        context,
        KIND,
        ("volume", row["id"]),
        topic=scheduler_rpcapi.TOPIC,
        id=operation_id,
        payload={**found.payload, "extra_specs": specs},
    )
    return volume_list.as_shown(row, found.type["name"] if found.type else None), operation
