"""What lies on a storage and was a snapshot becomes one again, and the other way round; for
administrators."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.common.states import Snap, Vol
from mycloud.db import engine, journal, snapshots, volume_types, volumes
from mycloud.journal import submit as journal_submit
from mycloud.journal.submit import New
from mycloud.volume.requests import manage, quotas, submit
from mycloud.volume.requests.volumes import own_project, refuse_copies

Row = Mapping[str, Any]

KIND = "snapshot.manage"


@dataclass(frozen=True)
class SnapshotManageSpec:
    """What the caller asks for. ``reference``: as the list of what can be managed has it."""

    volume_id: str
    reference: dict[str, str]
    name: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


def take(
    context: RequestContext, spec: SnapshotManageSpec, *, key: str | None = None
) -> tuple[Row, str]:
    """Take something as a snapshot of a volume; its row and the operation.

    :raises VolumeNotFound: :raises InvalidVolume: :raises VolumeQuotaExceeded:
    :raises InvalidReference: there is no such thing, or it is of another volume
    """
    with engine.reader() as conn:
        volume = volumes.get(conn, spec.volume_id, project_id=own_project(context))
    found = _find(context, volume, spec.reference)
    asked = journal_submit.digest(KIND, vars(spec))
    return _take(context, spec, found, (journal_submit.scoped_key(context, key), asked))


def _find(context: RequestContext, volume: Row, reference: dict[str, str]) -> manage.Lying:
    shown, name = str(reference)[:200], volume["name_id"] or volume["id"]
    for each in manage.manageable(context, volume["host"] or ""):
        if each.source_name != name or reference not in (
            each.reference, {"source-name": f"_snapshot-{each.former_name}"}
        ):
            continue
        if each.reason is not None:
            raise exceptions.InvalidReference(reference=shown, reason=each.reason)
        return each
    raise exceptions.InvalidReference(
        reference=shown, reason=f"nothing of that name lies there that was of volume {name}"
    )


@engine.retried
def _take(
    context: RequestContext, spec: SnapshotManageSpec, found: manage.Lying,
    replay: tuple[str | None, str],
) -> tuple[Row, str]:
    key, asked = replay
    with engine.writer() as conn:
        done = journal_submit.replay(conn, key, asked)
        if done is not None:
            return snapshots.get(conn, done["resource_id"], deleted=True), done["id"]
        volume = volumes.lock(conn, spec.volume_id)
        if volume["status"] not in (Vol.AVAILABLE, Vol.IN_USE) or volume["operation_id"]:
            raise exceptions.InvalidVolume(
                reason=f"Volume {volume['id']} status must be {Vol.AVAILABLE} or {Vol.IN_USE} to "
                f"take a snapshot, but it is {volume['status']}."
            )
        row = _row(conn, context, spec, (volume, found))
        operation = submit.operation(
            context, KIND, row, place=volume["host"], id=row["operation_id"],
            second_id=volume["id"], payload={"reference": found.reference},
        )
        if key:
            operation |= {"idempotency_key": key, "idempotency_digest": asked}
        snapshots.insert(conn, [row])
        journal.insert(conn, operation)
        row = dict(snapshots.get(conn, row["id"]))
    journal_submit.ring(context, operation)
    return row, operation["id"]


def _row(
    conn: Connection, context: RequestContext, spec: SnapshotManageSpec,
    about: tuple[Row, manage.Lying],
) -> dict[str, Any]:
    volume, found = about
    kind = None
    if volume["volume_type_id"]:
        kind = volume_types.by_id(conn, volume["volume_type_id"])
    quotas.check(
        conn, volume["project_id"], {"snapshots": 1, "gigabytes": found.size_gb},
        type_name=kind["name"] if kind else None,
    )
    return {
        "id": clock.new_id(),
        "project_id": volume["project_id"],
        "user_id": context.user_id,
        "volume_id": volume["id"],
        "name": spec.name,
        "description": spec.description,
        "size_gb": found.size_gb,
        "status": Snap.CREATING,
        "operation_id": clock.new_id(),
        "volume_type_id": volume["volume_type_id"],
        "encryption_key_id": volume["encryption_key_id"],
        "metadata": spec.metadata,
        "created_at": clock.now(),
    }


def leave(context: RequestContext, snapshot: Row, *, key: str | None = None) -> str:
    """Forget a snapshot and leave what it holds on the storage; the operation's id.

    :raises InvalidSnapshot: its status does not allow it, or a volume is being made from it
    """
    new = New(
        "snapshot.unmanage", {"volume_id": snapshot["volume_id"]},
        along=lambda conn: refuse_copies(conn, snapshot),
    )
    return submit.submit(context, submit.SNAPSHOT, snapshot, new, key=key)
