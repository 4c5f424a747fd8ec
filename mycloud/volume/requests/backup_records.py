"""Records of backups, by which a cloud that has lost its database takes its backups back.

A record is JSON in base64. What it says of the bytes is not believed: a volume host reads the
manifest in the repository.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from oslo_utils import uuidutils

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.common.states import Backup
from mycloud.db import backups, engine, journal
from mycloud.journal import submit as journal_submit
from mycloud.volume.requests import quotas, submit

Row = Mapping[str, Any]

KIND = "backup.import"
#: What a record is for; its beginning is what clients of block storage know.
SERVICE = "cinder.backup.drivers.mycloud"
_VERSION = 1
_IDS = ("id", "data_id", "volume_id")
_TEXTS = (
    "name", "description", "snapshot_id", "parent_id", "container", "availability_zone",
    "encryption_key_id", "volume_type_id",
)  # fmt: skip


def export(backup: Row) -> dict[str, str]:
    """``backup_service`` and ``backup_url`` of a backup.

    :raises InvalidBackup: it is not available
    """
    if backup["status"] != Backup.AVAILABLE:
        raise exceptions.InvalidBackup(
            reason=f"Backup status must be available and not {backup['status']}."
        )
    record = {
        "version": _VERSION,
        **{name: backup[name] for name in (*_IDS, *_TEXTS)},
        "data_id": backup["data_id"] or backup["id"],
        "size": backup["size_gb"],
        "is_incremental": backup["is_incremental"],
        "metadata": backup["metadata"],
    }
    text = base64.b64encode(json.dumps(record, sort_keys=True).encode()).decode()
    return {"backup_service": SERVICE, "backup_url": text}


@engine.retried
def take(context: RequestContext, service: str, url: str) -> tuple[Row, str]:
    """Accept a record; the backup's row, and the operation that looks into the repository.

    :raises BadField: it is no record of this cloud's repository
    :raises InvalidBackup: there is or was a backup of that id
    :raises VolumeQuotaExceeded:
    """
    if service != SERVICE:
        raise exceptions.BadField(field="backup_service", reason=f"it must be {SERVICE}")
    record = _read(url)
    assert context.project_id is not None
    now = clock.now()
    row = {
        **{name: record.get(name) for name in (*_IDS, *_TEXTS)},
        "project_id": context.project_id,
        "user_id": context.user_id,
        "status": Backup.CREATING,
        "operation_id": clock.new_id(),
        "size_gb": record["size"],
        "object_count": 0,
        "is_incremental": bool(record.get("is_incremental")),
        "metadata": record.get("metadata") or {},
        "volume_record": {},
        "data_timestamp": now,
        "created_at": now,
        "host": None,
    }
    with engine.writer() as conn:
        if backups.is_known(conn, row["id"]):
            raise exceptions.InvalidBackup(
                reason=f"Backup {row['id']} already exists in the database."
            )
        wanted = {"backups": 1, "backup_gigabytes": row["size_gb"]}
        quotas.check(conn, context.project_id, wanted, type_name=None)
        row["host"] = submit.BACKUP.place(conn, row)
        operation = submit.operation(
            context, KIND, row, place=row["host"], id=row["operation_id"],
            payload={"volume_id": row["volume_id"]},
        )
        backups.insert(conn, row)
        journal.insert(conn, operation)
        made = backups.get(conn, row["id"])
    journal_submit.ring(context, operation)
    return made, operation["id"]


def _read(url: str) -> dict[str, Any]:
    """:raises BadField:"""
    try:
        record = json.loads(base64.b64decode(url, validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _bad("it is no JSON in base64") from error
    if not isinstance(record, dict) or record.get("version") != _VERSION:
        raise _bad(f"it is no record of version {_VERSION}")
    for name in _IDS:
        if not uuidutils.is_uuid_like(record.get(name)):
            raise _bad(f"its {name} is no UUID")
    for name in _TEXTS:
        value = record.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > 255):
            raise _bad(f"its {name} is no text of at most 255 characters")
    size = record.get("size")
    if type(size) is not int or not 0 < size < 1 << 31:
        raise _bad("its size is no number of GiB")
    metadata = record.get("metadata") or {}
    if not isinstance(metadata, dict) or not all(
        isinstance(value, str) and len(key) < 256 and len(value) < 256
        for key, value in metadata.items()
    ):
        raise _bad("its metadata is no object of texts")
    return record


def _bad(reason: str) -> exceptions.BadField:
    return exceptions.BadField(field="backup_url", reason=reason)
