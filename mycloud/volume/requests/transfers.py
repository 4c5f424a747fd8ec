"""Give a volume to another project: one side offers it and gets a key, the other shows the key.

Of the key only a salted digest is kept.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.common.states import Snap, Vol
from mycloud.db import (
    attachments,
    engine,
    filtered,
    snapshots,
    transfers,
    volume_types,
    volumes,
)
from mycloud.db.filtered import Wanted
from mycloud.volume.requests import quotas
from mycloud.volume.requests.volumes import own_project

Row = Mapping[str, Any]

#: Random bytes of a salt.
_BYTES = 16


def _digest(salt: str, key: str) -> str:
    # the key is random and long enough that nobody tries all of them
    return hmac.new(salt.encode(), key.encode(), hashlib.sha256).hexdigest()


def get(context: RequestContext, transfer_id: str) -> Row:
    """A live transfer of one of the caller's volumes.

    :raises TransferNotFound:
    """
    with engine.reader() as conn:
        return transfers.get(conn, transfer_id, project_id=own_project(context))


def page(wanted: Wanted) -> list[Row]:
    """A page of transfers."""
    with engine.reader() as conn:
        return filtered.page(conn, transfers.NOUN, wanted)


@engine.retried
def create(
    context: RequestContext, volume_id: str, name: str | None, *, no_snapshots: bool,
    encrypted: bool,
) -> tuple[Row, str]:
    """Offer a volume; the transfer and the key, which nobody is told again.

    ``no_snapshots``: its snapshots stay. ``encrypted``: whether an encrypted one may be offered.

    :raises VolumeNotFound: :raises InvalidVolume: its status does not allow it
    :raises InvalidSnapshot: something is done to a snapshot that goes with it
    """
    now = clock.now()
    # no sign in it that a command line would take for something else
    salt, key = clock.secret(_BYTES), clock.new_hex_id()
    with engine.writer() as conn:
        volume = volumes.get(conn, volume_id, project_id=own_project(context))
        if volume["encrypted"] and not encrypted:
            raise exceptions.InvalidVolume(
                reason="an encrypted volume is transferred from microversion 3.70 on only."
            )
        held = attachments.of_volumes(conn, [volume_id])[volume_id]
        changes = {"status": Vol.AWAITING_TRANSFER, "updated_at": now}
        if held or not volumes.update(
            conn, volume_id, changes, status=Vol.AVAILABLE, operation_id=None
        ):
            raise exceptions.InvalidVolume(
                reason=f"Volume {volume_id} status must be {Vol.AVAILABLE}, and nobody may use "
                f"it, to transfer it, but it is {volume['status']}."
            )
        if not no_snapshots:
            _check_snapshots(snapshots.of_volume(conn, volume_id))
        row = {
            "id": clock.new_id(),
            "volume_id": volume_id,
            "name": name,
            "salt": salt,
            "digest": _digest(salt, key),
            "source_project_id": volume["project_id"],
            "accepted": False,
            "no_snapshots": no_snapshots,
            "created_at": now,
        }
        transfers.insert(conn, row)
        return transfers.get(conn, str(row["id"]), project_id=None), key


def _check_snapshots(rows: Sequence[Row]) -> None:
    for row in rows:
        if row["status"] != Snap.AVAILABLE or row["operation_id"] is not None:
            raise exceptions.InvalidSnapshot(
                reason=f"snapshot {row['id']} goes with the volume and must be {Snap.AVAILABLE}, "
                f"but it is {row['status']}."
            )


@engine.retried
def delete(context: RequestContext, transfer_id: str) -> None:
    """Take an offer back.

    :raises TransferNotFound:
    """
    now = clock.now()
    with engine.writer() as conn:
        row = transfers.get(conn, transfer_id, project_id=own_project(context))
        transfers.update(conn, transfer_id, {"deleted_at": now, "updated_at": now})
        changes = {"status": Vol.AVAILABLE, "updated_at": now}
        volumes.update(conn, row["volume_id"], changes, status=Vol.AWAITING_TRANSFER)


@engine.retried
def accept(context: RequestContext, transfer_id: str, key: str) -> Row:
    """Take an offered volume, with its snapshots if they go with it; the transfer as it was.

    :raises TransferNotAccepted: also for a wrong key
    :raises VolumeQuotaExceeded: :raises InvalidVolume: it is not offered any more
    :raises InvalidSnapshot: :raises VolumeTypeNotFound: the project may not have its type
    """
    now = clock.now()
    with engine.writer() as conn:
        row = _offered(conn, transfer_id, key)
        volume = volumes.lock(conn, row["volume_id"])
        if volume["status"] != Vol.AWAITING_TRANSFER:
            raise exceptions.InvalidVolume(
                reason=f"Volume {volume['id']} status must be {Vol.AWAITING_TRANSFER}, but it is "
                f"{volume['status']}."
            )
        going = [] if row["no_snapshots"] else snapshots.of_volume(conn, volume["id"])
        _check_snapshots(going)
        _check_place(conn, context, volume, going)
        owner = {
            "project_id": context.project_id, "user_id": context.user_id, "updated_at": now,
        }
        volumes.update(conn, volume["id"], {**owner, "status": Vol.AVAILABLE})
        for each in going:
            snapshots.update(conn, each["id"], owner)
        transfers.update(
            conn, transfer_id,
            {
                "accepted": True, "destination_project_id": context.project_id,
                "deleted_at": now, "updated_at": now,
            },
        )
        return row


def _offered(conn: Connection, transfer_id: str, key: str) -> Row:
    try:
        row = transfers.get(conn, transfer_id, project_id=None)
    except exceptions.TransferNotFound as error:
        raise exceptions.TransferNotAccepted(transfer_id=transfer_id) from error
    if not hmac.compare_digest(_digest(row["salt"], key), row["digest"]):
        raise exceptions.TransferNotAccepted(transfer_id=transfer_id)
    return row


def _check_place(
    conn: Connection, context: RequestContext, volume: Row, going: Sequence[Row]
) -> None:
    """Whether the accepting project may have it all."""
    kind = None
    if volume["volume_type_id"]:
        kind = volume_types.get(conn, context, volume["volume_type_id"])
    assert context.project_id is not None
    wanted = {
        "volumes": 1,
        "snapshots": len(going),
        "gigabytes": volume["size_gb"] + sum(each["size_gb"] for each in going),
        "per_volume_gigabytes": volume["size_gb"],
    }
    if volume["project_id"] == context.project_id:
        return
    quotas.check(conn, context.project_id, wanted, type_name=kind["name"] if kind else None)
