"""Backups of volumes."""

from typing import Any

from mycloud.api import paging, wsgi
from mycloud.api.compute import links
from mycloud.api.routing import ANY_QUERY, NO_QUERY, Route
from mycloud.api.versions import Version
from mycloud.api.volume import fields, lists
from mycloud.api.volume.volumes.schemas import DESCRIPTION, ID, METADATA, NAME
from mycloud.api.volume.volumes.views import time
from mycloud.common import policy
from mycloud.db import backup_list
from mycloud.db.backup_list import Wanted
from mycloud.db.backups import Row
from mycloud.volume.requests import backup_records
from mycloud.volume.requests import backups as requests

_OWNER = Version(3, 18)
_METADATA = Version(3, 43)
_COUNT = Version(3, 45)
_USER = Version(3, 56)
_KEY = Version(3, 64)

_FLAG = {"anyOf": [fields.BOOLEAN, {"type": "null"}]}
_UUID = {"type": "string", "format": "uuid", "maxLength": 36}
_CREATE = {
    "volume_id": _UUID,
    "name": NAME,
    "description": DESCRIPTION,
    "container": {"type": ["string", "null"], "maxLength": 255},
    "incremental": _FLAG,
    "force": _FLAG,
    "snapshot_id": ID,
}
_CREATE_BODY = [
    ("3.0", fields.body("backup", _CREATE, "volume_id")),
    ("3.43", fields.body("backup", {**_CREATE, "metadata": METADATA}, "volume_id")),
    (
        "3.51",
        fields.body(
            "backup",
            {
                **_CREATE,
                "metadata": METADATA,
                "availability_zone": {"type": ["string", "null"], "maxLength": 255},
            },
            "volume_id",
        ),
    ),
]
_UPDATE = {"name": NAME, "description": DESCRIPTION}
_UPDATE_BODY = [
    ("3.9", fields.body("backup", _UPDATE)),
    ("3.43", fields.body("backup", {**_UPDATE, "metadata": METADATA})),
]
for _, _schema in _UPDATE_BODY:
    _schema["properties"]["backup"]["minProperties"] = 1
_RESTORE_BODY = fields.body("restore", {"volume_id": ID, "name": NAME})
_RESET_BODY = fields.body("os-reset_status", {"status": {"enum": list(requests.RESETS)}}, "status")
_FORCE_BODY = fields.wrapped("os-force_delete", {})
_IMPORT_BODY = fields.body(
    "backup-record",
    {
        "backup_service": {"type": "string", "minLength": 1, "maxLength": 255},
        "backup_url": {"type": "string", "minLength": 1, "maxLength": 1 << 17},
    },
    "backup_service",
    "backup_url",
)
_TEXT = {"type": "string", "maxLength": 255}
FILTERS = ("name", "status", "volume_id")
_LIST_QUERY = lists.query(
    **dict.fromkeys(FILTERS, _TEXT),
    **{f"{name}~": _TEXT for name in FILTERS},
    project_id=_TEXT,
    all_tenants=fields.FLAG,
    with_count=fields.FLAG,
)
#: Since when ``name~`` finds a part of a name.
_LIKE = Version(3, 31)


def _brief(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "links": links.of(request, "backups", row["id"]),
    }


def _detail(request: wsgi.Request, row: Row) -> dict[str, Any]:
    found = {
        **_brief(request, row),
        "status": row["status"],
        "size": row["size_gb"],
        "object_count": row["object_count"],
        "availability_zone": row["availability_zone"],
        "container": row["container"],
        "created_at": time(row["created_at"]),
        "updated_at": time(row["updated_at"]),
        "description": row["description"],
        "fail_reason": row["fail_reason"],
        "volume_id": row["volume_id"],
        "is_incremental": row["is_incremental"],
        "has_dependent_backups": row["has_dependants"],
        "snapshot_id": row["snapshot_id"],
        "data_timestamp": time(row["data_timestamp"]),
    }
    version = request.version
    if version >= _METADATA:
        found["metadata"] = row["metadata"]
    if version >= _KEY and row["encryption_key_id"]:
        found["encryption_key_id"] = row["encryption_key_id"]
    if policy.allowed(request.context, "volume:backups:show_owner"):
        if version >= _OWNER:
            found["os-backup-project-attr:project_id"] = row["project_id"]
        if version >= _USER:
            found["user_id"] = row["user_id"]
    return found


def _wanted(request: wsgi.Request) -> Wanted:
    query = request.query
    wanted = Wanted(
        same={name: query[name] for name in FILTERS if name in query},
        order=lists.order(request, backup_list.SORT_KEYS),
        marker=query.get("marker"),
        limit=paging.limit_of(request),
        offset=lists.offset(request),
    )
    if request.version >= _LIKE:
        wanted.like = {name: query[f"{name}~"] for name in FILTERS if f"{name}~" in query}
    wide = fields.flag(request, "all_tenants", default=False)
    if not (wide and policy.allowed(request.context, "volume:backups:all_projects")):
        wanted.same["project_id"] = request.context.project_id or ""
    elif "project_id" in query:
        wanted.same["project_id"] = query["project_id"]
    return wanted


def _list(request: wsgi.Request, view: Any) -> dict[str, Any]:
    counted = request.version >= _COUNT and fields.flag(request, "with_count", default=False)
    page, count = requests.page(_wanted(request), counted=counted)
    answer: dict[str, Any] = {"backups": [view(request, row) for row in page]}
    if page and (more := paging.next_links(request, page, page[-1]["id"])):
        answer["backups_links"] = more
    if count is not None:
        answer["count"] = count
    return answer


def index(request: wsgi.Request) -> dict[str, Any]:
    return _list(request, _brief)


def detail(request: wsgi.Request) -> dict[str, Any]:
    return _list(request, _detail)


def _load(request: wsgi.Request) -> Row:
    return requests.get(request.context, request.args["backup_id"])


def show(request: wsgi.Request) -> dict[str, Any]:
    return {"backup": _detail(request, _load(request))}


def create(request: wsgi.Request) -> dict[str, Any]:
    wanted = request.json_body["backup"]
    spec = requests.BackupSpec(
        volume_id=wanted["volume_id"],
        name=wanted.get("name"),
        description=wanted.get("description"),
        container=wanted.get("container"),
        snapshot_id=wanted.get("snapshot_id"),
        availability_zone=wanted.get("availability_zone"),
        metadata=wanted.get("metadata") or {},
        incremental=fields.truth(wanted.get("incremental")),
        force=fields.truth(wanted.get("force")),
    )
    row, operation_id = requests.create(request.context, spec, key=request.idempotency_key)
    request.note_operation(operation_id)
    return {"backup": _brief(request, row)}


def update(request: wsgi.Request) -> dict[str, Any]:
    wanted = dict(request.json_body["backup"])
    if wanted.get("metadata", {}) is None:
        wanted["metadata"] = {}
    return {
        "backup": _brief(
            request, requests.update(request.context, request.args["backup_id"], wanted)
        )
    }


def restore(request: wsgi.Request) -> dict[str, Any]:
    wanted, backup = request.json_body["restore"], _load(request)
    volume, operation_id = requests.restore(
        request.context, backup, volume_id=wanted.get("volume_id"), name=wanted.get("name"),
        key=request.idempotency_key,
    )
    request.note_operation(operation_id)
    return {
        "restore": {
            "backup_id": backup["id"],
            "volume_id": volume["id"],
            "volume_name": volume["name"] or "",
        }
    }


def delete(request: wsgi.Request) -> None:
    request.note_operation(
        requests.delete(request.context, _load(request), key=request.idempotency_key)
    )


def force_delete(request: wsgi.Request) -> None:
    request.note_operation(
        requests.delete(
            request.context, _load(request), force=True, key=request.idempotency_key
        )
    )


def reset_status(request: wsgi.Request) -> None:
    requests.reset_status(_load(request), request.json_body["os-reset_status"]["status"])


def export_record(request: wsgi.Request) -> dict[str, Any]:
    return {"backup-record": backup_records.export(_load(request))}


def import_record(request: wsgi.Request) -> dict[str, Any]:
    wanted = request.json_body["backup-record"]
    row, operation_id = backup_records.take(
        request.context, wanted["backup_service"], wanted["backup_url"]
    )
    request.note_operation(operation_id)
    return {"backup": _brief(request, row)}


_ONE = "/backups/{backup_id}"
ROWS = [
    Route("GET", "/backups", index, "volume:backups:list", query=_LIST_QUERY),
    Route(
        "POST", "/backups", create, "volume:backups:create", body=_CREATE_BODY, query=NO_QUERY,
        status=202,
    ),
    Route("GET", "/backups/detail", detail, "volume:backups:list", query=_LIST_QUERY),
    Route(
        "POST", "/backups/import_record", import_record, "volume:backups:import",
        body=_IMPORT_BODY, query=NO_QUERY, status=201,
    ),
    Route(
        "GET", f"{_ONE}/export_record", export_record, "volume:backups:export", query=ANY_QUERY
    ),
    Route("GET", _ONE, show, "volume:backups:show", query=ANY_QUERY),
    Route(
        "PUT", _ONE, update, "volume:backups:update", body=_UPDATE_BODY, query=NO_QUERY,
        versions=("3.9", ""),
    ),
    Route("DELETE", _ONE, delete, "volume:backups:delete", query=ANY_QUERY, status=202),
    Route(
        "POST", f"{_ONE}/restore", restore, "volume:backups:restore", body=_RESTORE_BODY,
        query=NO_QUERY, status=202,
    ),
    Route(
        "POST", f"{_ONE}/action", force_delete, "volume:backups:force_delete",
        body=_FORCE_BODY, query=NO_QUERY, status=202, action="os-force_delete",
    ),
    Route(
        "POST", f"{_ONE}/action", reset_status, "volume:backups:reset_status",
        body=_RESET_BODY, query=NO_QUERY, status=202, action="os-reset_status",
    ),
]
