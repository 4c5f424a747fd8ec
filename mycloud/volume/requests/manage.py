"""What lies on a storage becomes a volume, and a volume becomes what just lies there; for
administrators."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.common.states import Vol
from mycloud.db import engine, journal, services, volume_pools, volumes
from mycloud.journal import submit as journal_submit
from mycloud.journal.submit import New
from mycloud.volume.requests import quotas, submit, types
from mycloud.volume.requests import services as service_requests
from mycloud.volume.requests.volumes import refuse_dependants
from mycloud.volume.rpcapi import VolumeAPI

Row = Mapping[str, Any]

KIND = "volume.manage"


@dataclass(frozen=True)
class ManageSpec:
    """What the caller asks for. ``host``: HOST@BACKEND#POOL. ``reference``: as the list of what
    can be managed has it."""

    host: str
    reference: dict[str, str]
    name: str | None = None
    description: str | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    bootable: bool = False


@dataclass(frozen=True)
class Lying:
    """Something on a storage. ``volume_id``: the volume that it is, if it is one of ours.
    ``former_name``: of what was a volume."""

    reference: dict[str, str]
    size_gb: int
    reason: str | None = None
    source_name: str | None = None
    former_name: str | None = None
    volume_id: str | None = None


def manageable(context: RequestContext, host: str) -> list[Lying]:
    """What lies on the storage of HOST@BACKEND or HOST@BACKEND#POOL.

    :raises BadField: there is no such volume service
    :raises ServiceUnavailable: it does not answer
    """
    place = _place(host)
    return [Lying(**each) for each in VolumeAPI().list_manageable(context, place)]


def _place(host: str) -> str:
    place = volume_pools.split(host)[0]
    with engine.reader() as conn:
        known = {row["host"] for row in services.every(conn, binary=service_requests.BINARY)}
    if place not in known:
        raise exceptions.BadField(
            field="host",
            reason=f"there is no volume service {place[:100]}; there are "
            f"{', '.join(sorted(known)) or 'none'}",
        )
    return place


def manage(
    context: RequestContext, spec: ManageSpec, *, key: str | None = None
) -> tuple[Row, str]:
    """Take something as a volume of the caller's project; its row and the operation.

    :raises BadField: :raises InvalidReference: there is no such thing, or it can't be taken
    :raises VolumeTypeNotFound: :raises VolumeQuotaExceeded: :raises ServiceUnavailable:
    """
    found = _find(context, spec)
    asked = journal_submit.digest(KIND, vars(spec))
    return _manage(context, spec, found, (journal_submit.scoped_key(context, key), asked))


def _find(context: RequestContext, spec: ManageSpec) -> Lying:
    shown = str(spec.reference)[:200]
    for each in manageable(context, spec.host):
        if spec.reference not in (each.reference, _former(each)):
            continue
        reason = each.reason
        if each.source_name and each.former_name:
            reason = f"it was a snapshot of volume {each.source_name}: manage it as one"
        if reason is not None:
            raise exceptions.InvalidReference(reference=shown, reason=reason)
        return each
    raise exceptions.InvalidReference(
        reference=shown, reason="nothing of that name lies there that is no volume yet"
    )


def _former(each: Lying) -> dict[str, str] | None:
    """What was unmanaged may be named as the volume that it was."""
    return {"source-name": f"volume-{each.former_name}"} if each.former_name else None


@engine.retried
def _manage(
    context: RequestContext, spec: ManageSpec, found: Lying, replay: tuple[str | None, str]
) -> tuple[Row, str]:
    key, asked = replay
    with engine.writer() as conn:
        done = journal_submit.replay(conn, key, asked)
        if done is not None:
            return volumes.get(conn, done["resource_id"], deleted=True), done["id"]
        row = _row(conn, context, spec, found)
        operation = submit.operation(
            context, KIND, row, place=row["host"], id=row["operation_id"],
            payload={"reference": found.reference},
        )
        if key:
            operation |= {"idempotency_key": key, "idempotency_digest": asked}
        volumes.insert(conn, [row])
        volume_pools.grow(conn, row["host"], row["size_gb"])
        journal.insert(conn, operation)
    journal_submit.ring(context, operation)
    return row, operation["id"]


def _row(
    conn: Connection, context: RequestContext, spec: ManageSpec, found: Lying
) -> dict[str, Any]:
    assert context.project_id is not None
    chosen = types.resolve(conn, context, spec.volume_type)
    if chosen is not None and chosen["encryption"]:
        raise exceptions.BadField(
            field="volume_type", reason="what lies there is not encrypted by this cloud"
        )
    wanted = {"volumes": 1, "gigabytes": found.size_gb, "per_volume_gigabytes": found.size_gb}
    quotas.check(
        conn, context.project_id, wanted, type_name=chosen["name"] if chosen else None
    )
    host, pool = volume_pools.split(spec.host)
    return {
        "id": clock.new_id(),
        "project_id": context.project_id,
        "user_id": context.user_id,
        "name": spec.name,
        "description": spec.description,
        "size_gb": found.size_gb,
        "status": Vol.MANAGING,
        "operation_id": clock.new_id(),
        "host": volume_pools.join(host, pool or _first_pool(conn, host)),
        "availability_zone": spec.availability_zone,
        "volume_type_id": chosen["id"] if chosen else None,
        "multiattach": types.is_multiattach(chosen),
        "bootable": spec.bootable,
        "metadata": spec.metadata,
        "created_at": clock.now(),
    }


def _first_pool(conn: Connection, host: str) -> str:
    for pool in volume_pools.every(conn):
        if pool["host"] == host:
            found: str = pool["pool"]
            return found
    raise exceptions.BadField(field="host", reason=f"{host} has no pool now")


def unmanage(context: RequestContext, volume: Row, *, key: str | None = None) -> str:
    """Forget a volume and leave what it holds on the storage; the operation's id.

    :raises InvalidVolume: it is used, has snapshots, or is encrypted
    """
    if volume["encrypted"]:
        raise exceptions.InvalidVolume(
            reason="an encrypted volume can't be unmanaged: its key would be lost."
        )

    def along(conn: Connection) -> None:
        refuse_dependants(conn, volume)

    new = New("volume.unmanage", along=along)
    return submit.submit(context, submit.VOLUME, volume, new, key=key)
