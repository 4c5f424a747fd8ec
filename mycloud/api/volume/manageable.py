"""What lies on storages already: seen, and taken as volumes and snapshots; for administrators."""

from typing import Any

from mycloud.api import paging, wsgi
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.api.schema import INT32_MAX
from mycloud.api.volume import fields, lists, snapshots
from mycloud.api.volume.volumes import schemas, views
from mycloud.common import exceptions
from mycloud.volume.requests import listing, manage, manage_snapshots

_TEXT = {"type": ["string", "null"], "maxLength": 255}
_REFERENCE = {
    "type": ["object", "string"],
    "maxProperties": 8,
    "maxLength": 255,
    "additionalProperties": {"type": "string", "maxLength": 1024},
}
_MANAGE_SNAPSHOT = fields.wrapped(
    "snapshot",
    schemas.of(
        {
            "volume_id": {"type": "string", "format": "uuid", "maxLength": 36},
            "ref": _REFERENCE,
            "name": schemas.NAME,
            "description": schemas.DESCRIPTION,
            "metadata": schemas.METADATA,
        },
        "volume_id",
        "ref",
    ),
)
_MANAGE = fields.wrapped(
    "volume",
    schemas.of(
        {
            "host": {"type": "string", "minLength": 1, "maxLength": 255},
            "ref": _REFERENCE,
            "name": schemas.NAME,
            "description": schemas.DESCRIPTION,
            "volume_type": _TEXT,
            "availability_zone": _TEXT,
            "metadata": schemas.METADATA,
            "bootable": {"enum": [*fields.BOOLEAN["enum"], None]},
            "cluster": {"type": "null"},
        },
        "host",
        "ref",
    ),
)
_LIST = {
    "type": "object",
    "properties": {
        "host": {"type": "string", "minLength": 1, "maxLength": 255},
        "limit": paging.LIMIT,
        "marker": paging.MARKER,
        "offset": {"type": "string", "format": "int32", "pattern": "^[0-9]+$",
                   "maximum": INT32_MAX},
        "sort": {"type": "string", "maxLength": 255},
    },
    "required": ["host"],
    "additionalProperties": True,
}
_SORT = frozenset({"size", "reference"})


def _brief(each: manage.Lying) -> dict[str, Any]:
    return {
        "reference": each.reference,
        "size": each.size_gb,
        "safe_to_manage": each.reason is None,
    }


def _detail(each: manage.Lying) -> dict[str, Any]:
    return {
        **_brief(each),
        "reason_not_safe": each.reason,
        "cinder_id": each.volume_id,
        "extra_info": None,
    }


def _page(request: wsgi.Request, *, snapshots: bool = False) -> list[manage.Lying]:
    found = [
        each
        for each in manage.manageable(request.context, request.query["host"])
        if (each.source_name is not None) is snapshots
    ]
    for key, rising in reversed(_order(request)):
        found.sort(key=_key(key), reverse=not rising)
    first = lists.offset(request)
    return found[first : first + paging.limit_of(request)]


def _order(request: wsgi.Request) -> list[tuple[str, bool]]:
    return lists.order(request, _SORT) if "sort" in request.query else [("reference", True)]


def _key(name: str) -> Any:
    if name == "size":
        return lambda each: each.size_gb
    return lambda each: sorted(each.reference.items())


def index(request: wsgi.Request) -> Any:
    return {"manageable-volumes": [_brief(each) for each in _page(request)]}


def detail(request: wsgi.Request) -> Any:
    return {"manageable-volumes": [_detail(each) for each in _page(request)]}


def index_snapshots(request: wsgi.Request) -> Any:
    page = _page(request, snapshots=True)
    return {"manageable-snapshots": [_snapshot(each, _brief(each)) for each in page]}


def detail_snapshots(request: wsgi.Request) -> Any:
    page = _page(request, snapshots=True)
    return {"manageable-snapshots": [_snapshot(each, _detail(each)) for each in page]}


def _snapshot(each: manage.Lying, shown: dict[str, Any]) -> dict[str, Any]:
    return {**shown, "source_reference": {"source-name": each.source_name}}


def _reference(wanted: dict[str, Any]) -> dict[str, str]:
    reference = wanted["ref"]
    if not isinstance(reference, dict) or not reference:
        raise exceptions.BadField(
            field="ref", reason="it is an object as the list of what can be managed has it, e.g. "
            "{'source-name': 'disk.raw'}"
        )
    return reference


def create_snapshot(request: wsgi.Request) -> Any:
    wanted = request.json_body["snapshot"]
    row, operation_id = manage_snapshots.take(
        request.context,
        manage_snapshots.SnapshotManageSpec(
            volume_id=wanted["volume_id"],
            reference=_reference(wanted),
            name=wanted.get("name"),
            description=wanted.get("description"),
            metadata=wanted.get("metadata") or {},
        ),
        key=request.idempotency_key,
    )
    request.note_operation(operation_id)
    return {"snapshot": snapshots.changed(request, row)}


def create(request: wsgi.Request) -> Any:
    wanted = request.json_body["volume"]
    reference = _reference(wanted)
    bootable = wanted.get("bootable")
    row, operation_id = manage.manage(
        request.context,
        manage.ManageSpec(
            host=wanted["host"],
            reference=reference,
            name=wanted.get("name"),
            description=wanted.get("description"),
            volume_type=wanted.get("volume_type"),
            availability_zone=wanted.get("availability_zone"),
            metadata=wanted.get("metadata") or {},
            bootable=bootable is not None and fields.truth(bootable),
        ),
        key=request.idempotency_key,
    )
    request.note_operation(operation_id)
    shown, held = listing.show(request.context, row["id"])
    return {"volume": views.View(request).changed(shown, held)}


_LISTED = "volume:volumes:list_manageable"


def _rows(base: str, since: str) -> list[Route]:
    versions = (since, "")
    return [
        Route("GET", base, index, _LISTED, query=_LIST, versions=versions),
        Route("GET", f"{base}/detail", detail, _LISTED, query=_LIST, versions=versions),
        Route(
            "POST", base, create, "volume:volumes:manage", body=_MANAGE, query=ANY_QUERY,
            status=202, versions=versions,
        ),
    ]


def _snapshot_rows(base: str, since: str) -> list[Route]:
    versions = (since, "")
    return [
        Route("GET", base, index_snapshots, _LISTED, query=_LIST, versions=versions),
        Route("GET", f"{base}/detail", detail_snapshots, _LISTED, query=_LIST, versions=versions),
        Route(
            "POST", base, create_snapshot, "volume:snapshots:manage", body=_MANAGE_SNAPSHOT,
            query=ANY_QUERY, status=202, versions=versions,
        ),
    ]


ROWS = [
    *_rows("/os-volume-manage", ""),
    *_rows("/manageable_volumes", "3.8"),
    *_snapshot_rows("/os-snapshot-manage", ""),
    *_snapshot_rows("/manageable_snapshots", "3.8"),
]
