"""Transfers of volumes between projects, by the older path and, from 3.55 on, by the newer."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.compute import links
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.api.versions import Version
from mycloud.api.volume import fields, lists
from mycloud.api.volume.volumes import schemas
from mycloud.api.volume.volumes.views import time
from mycloud.db import transfers as db_transfers
from mycloud.db.filtered import Row
from mycloud.volume.requests import transfers

_SNAPSHOTS = Version(3, 55)
_PROJECTS = Version(3, 57)
_ENCRYPTED = Version(3, 70)

_FILTERS = lists.Filters(
    same={"id": "id", "name": "name", "display_name": "name", "volume_id": "volume_id"},
    like={"name": "name"},
)
_QUERY = _FILTERS.schema()
_TRANSFER = {
    "volume_id": {"type": "string", "format": "uuid", "maxLength": 36},
    "name": schemas.NAME,
}
_CREATE = fields.wrapped("transfer", schemas.of(_TRANSFER, "volume_id"))
_CREATES = (
    ("3.0", _CREATE),
    (
        "3.55",
        fields.wrapped(
            "transfer",
            schemas.of(
                {**_TRANSFER, "no_snapshots": {"enum": [*fields.BOOLEAN["enum"], None]}},
                "volume_id",
            ),
        ),
    ),
)
_ACCEPT = fields.wrapped(
    "accept",
    schemas.of({"auth_key": {"type": "string", "minLength": 1, "maxLength": 255}}, "auth_key"),
)


def _brief(request: wsgi.Request, row: Row) -> dict[str, Any]:
    collection = request.path_info.split("/")[1]
    return {
        "id": row["id"],
        "volume_id": row["volume_id"],
        "name": row["name"],
        "links": links.of(request, collection, row["id"]),
    }


def _detail(request: wsgi.Request, row: Row) -> dict[str, Any]:
    found = {**_brief(request, row), "created_at": time(row["created_at"])}
    if request.version >= _SNAPSHOTS:
        found["no_snapshots"] = row["no_snapshots"]
    if request.version >= _PROJECTS:
        found |= {
            "source_project_id": row["source_project_id"],
            "destination_project_id": row["destination_project_id"],
            "accepted": row["accepted"],
        }
    return found


def _page(request: wsgi.Request) -> list[Row]:
    return transfers.page(
        lists.wanted(request, _FILTERS, db_transfers.SORT, every="volume:volumes:all_projects")
    )


def index(request: wsgi.Request) -> Any:
    shown = [_brief(request, row) for row in _page(request)]
    return lists.answer(request, "transfers", shown, None)


def detail(request: wsgi.Request) -> Any:
    shown = [_detail(request, row) for row in _page(request)]
    return lists.answer(request, "transfers", shown, None)


def show(request: wsgi.Request) -> Any:
    row = transfers.get(request.context, request.args["transfer_id"])
    return {"transfer": _detail(request, row)}


def create(request: wsgi.Request) -> Any:
    wanted = request.json_body["transfer"]
    no_snapshots = wanted.get("no_snapshots")
    row, key = transfers.create(
        request.context, wanted["volume_id"], wanted.get("name"),
        no_snapshots=no_snapshots is not None and fields.truth(no_snapshots),
        encrypted=request.version >= _ENCRYPTED,
    )
    return {"transfer": {**_detail(request, row), "auth_key": key}}


def accept(request: wsgi.Request) -> Any:
    key = request.json_body["accept"]["auth_key"]
    row = transfers.accept(request.context, request.args["transfer_id"], key)
    return {"transfer": _brief(request, row)}


def delete(request: wsgi.Request) -> None:
    transfers.delete(request.context, request.args["transfer_id"])


def _rows(base: str, since: str) -> list[Route]:
    one, versions = f"{base}/{{transfer_id}}", (since, "")
    return [
        Route("GET", base, index, "volume:transfers:show", query=_QUERY, versions=versions),
        Route(
            "POST", base, create, "volume:transfers:create", body=_CREATES, query=ANY_QUERY,
            status=202, versions=versions,
        ),
        Route(
            "GET", f"{base}/detail", detail, "volume:transfers:show", query=_QUERY,
            versions=versions,
        ),
        Route("GET", one, show, "volume:transfers:show", query=ANY_QUERY, versions=versions),
        Route(
            "DELETE", one, delete, "volume:transfers:delete", query=ANY_QUERY, status=202,
            versions=versions,
        ),
        Route(
            "POST", f"{one}/accept", accept, "volume:transfers:accept", body=_ACCEPT,
            query=ANY_QUERY, status=202, versions=versions,
        ),
    ]


ROWS = [*_rows("/os-volume-transfer", ""), *_rows("/volume-transfers", "3.55")]
