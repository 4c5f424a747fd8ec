"""Attachments: who has which volume (from microversion 3.27 on)."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.api.versions import Version
from mycloud.api.volume import fields, lists
from mycloud.api.volume.volumes import schemas
from mycloud.api.volume.volumes.views import time
from mycloud.common import connection_info
from mycloud.db import attachment_list
from mycloud.db.filtered import Row
from mycloud.volume.requests import attachments, use

_FIRST = "3.27"
_COMPLETE = Version(3, 44)

FILTERS = lists.Filters(
    same={
        "id": "id",
        "volume_id": "volume_id",
        "instance_id": "server_id",
        "status": "status",
        "attach_status": "status",
    },
    like={"status": "status"},
)
_QUERY = FILTERS.schema()
_CONNECTOR = {**schemas.CONNECTOR, "type": ["object", "null"]}
_CREATE = {
    "volume_uuid": {"type": "string", "format": "uuid", "maxLength": 36},
    "instance_uuid": {"type": ["string", "null"], "format": "uuid", "maxLength": 36},
    "connector": _CONNECTOR,
}
_CREATES = (
    (_FIRST, fields.wrapped("attachment", schemas.of(_CREATE, "volume_uuid"))),
    (
        "3.54",
        fields.wrapped(
            "attachment",
            schemas.of(
                {
                    **_CREATE,
                    "mode": {"enum": [attachments.READ_WRITE, attachments.READ_ONLY, None]},
                },
                "volume_uuid",
            ),
        ),
    ),
)
_UPDATE = fields.wrapped(
    "attachment",
    schemas.INITIALIZE,
)


def _brief(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "status": row["status"],
        "instance": row["server_id"],
        "volume_id": row["volume_id"],
    }


def _detail(
    request: wsgi.Request, row: Row, info: dict[str, Any] | None = None
) -> dict[str, Any]:
    """``info``: how the volume is reached, with its secrets, for who has just connected it."""
    if info is None:
        info = {}
        # how a server of ours reaches it is between the hosts
        if row["server_id"] is None or use.by_service(request.context):
            info = connection_info.without_secrets(row["connection_info"]) or {}
    return {
        **_brief(row),
        "attached_at": time(row["attached_at"]) or "",
        "detached_at": time(row["detached_at"]) or "",
        "attach_mode": row["mode"],
        "connection_info": _flat(info),
    }


def _flat(info: dict[str, Any]) -> dict[str, Any]:
    """As clients expect it here: what is in ``data`` beside the rest."""
    rest = {name: value for name, value in info.items() if name != "data"}
    return {**info.get("data", {}), **rest}


def _page(request: wsgi.Request) -> list[Row]:
    return attachments.page(
        lists.wanted(
            request, FILTERS, attachment_list.SORT, every="volume:volumes:all_projects"
        )
    )


def index(request: wsgi.Request) -> Any:
    shown = [_brief(row) for row in _page(request)]
    return lists.answer(request, "attachments", shown, None)


def detail(request: wsgi.Request) -> Any:
    shown = [_detail(request, row) for row in _page(request)]
    return lists.answer(request, "attachments", shown, None)


def show(request: wsgi.Request) -> Any:
    row = attachments.get(request.context, request.args["attachment_id"])
    return {"attachment": _detail(request, row)}


def create(request: wsgi.Request) -> Any:
    wanted = request.json_body["attachment"]
    connector = wanted.get("connector")
    values = {
        "server_id": wanted.get("instance_uuid"),
        "mode": wanted.get("mode") or attachments.READ_WRITE,
        "mountpoint": (connector or {}).get("mountpoint"),
    }
    volume_id = wanted["volume_uuid"]
    if not connector:
        row = attachments.reserve(request.context, volume_id, values)
        return {"attachment": _detail(request, attachments.get(request.context, row["id"]))}
    row, info = attachments.reserve_and_connect(
        request.context, volume_id, values, connector, complete=request.version < _COMPLETE
    )
    return {"attachment": _detail(request, row, info)}


def update(request: wsgi.Request) -> Any:
    connector = request.json_body["attachment"]["connector"]
    row, info = attachments.connect(
        request.context, request.args["attachment_id"], connector,
        complete=request.version < _COMPLETE,
    )
    return {"attachment": _detail(request, row, info)}


def complete(request: wsgi.Request) -> None:
    attachments.complete(request.context, request.args["attachment_id"])


def delete(request: wsgi.Request) -> Any:
    rows = attachments.delete(request.context, request.args["attachment_id"])
    return {"attachments": [_brief(row) for row in rows]}


_ROW = "/attachments/{attachment_id}"
_SINCE = (_FIRST, "")

ROWS = [
    Route("GET", "/attachments", index, "volume:attachments:show", query=_QUERY, versions=_SINCE),
    Route(
        "POST", "/attachments", create, "volume:attachments:create", body=_CREATES,
        query=ANY_QUERY, versions=_SINCE,
    ),
    Route(
        "GET", "/attachments/detail", detail, "volume:attachments:show", query=_QUERY,
        versions=_SINCE,
    ),
    Route("GET", _ROW, show, "volume:attachments:show", query=ANY_QUERY, versions=_SINCE),
    Route(
        "PUT", _ROW, update, "volume:attachments:update", body=_UPDATE, query=ANY_QUERY,
        versions=_SINCE,
    ),
    Route("DELETE", _ROW, delete, "volume:attachments:delete", query=ANY_QUERY, versions=_SINCE),
    Route(
        "POST", f"{_ROW}/action", complete, "volume:attachments:update",
        body=fields.wrapped("os-complete", schemas.NOTHING), query=ANY_QUERY, status=204,
        versions=("3.44", ""), action="os-complete",
    ),
]
