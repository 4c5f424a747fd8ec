"""Messages: why something that was accepted failed later, for the user who asked for it."""

from typing import Any

from mycloud.api import paging, wsgi
from mycloud.api.compute import links
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.versions import Version
from mycloud.api.volume import fields, lists
from mycloud.common import policy
from mycloud.db import engine
from mycloud.db import volume_message_list as db_messages
from mycloud.db.volume_message_list import Listing, Row
from mycloud.volume.requests import messages

_FIRST = ("3.3", "")
_PAGED = Version(3, 5)
#: What a list may be filtered by.
FILTERS = ("resource_uuid", "resource_type", "event_id", "request_id", "message_level")

_LIST_QUERY = [
    ("3.3", NO_QUERY),
    (
        "3.5",
        lists.query(
            all_tenants=fields.FLAG,
            **{name: {"type": "string", "maxLength": 255} for name in FILTERS},
        ),
    ),
]


def view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    shown = {
        "id": row["id"],
        "event_id": row["event_id"],
        "user_message": row["message"],
        "message_level": row["level"],
        "request_id": row["request_id"],
        "resource_type": row["resource_type"],
        "created_at": row["created_at"].isoformat(timespec="microseconds"),
        "guaranteed_until": row["expires_at"].isoformat(timespec="microseconds"),
        "links": links.of(request, "messages", row["id"]),
    }
    if row["resource_id"]:
        shown["resource_uuid"] = row["resource_id"]
    return shown


def index(request: wsgi.Request) -> dict[str, Any]:
    wanted, project_id = Listing(order=[("created_at", False)]), request.context.project_id
    paged = request.version >= _PAGED
    if paged:
        wanted = Listing(
            same={name: request.query[name] for name in FILTERS if name in request.query},
            order=lists.order(request, db_messages.SORT_KEYS),
            marker=request.query.get("marker"),
            offset=lists.offset(request),
            limit=paging.limit_of(request),
        )
        if fields.flag(request, "all_tenants", default=False):
            policy.enforce(request.context, "volume:messages:all_projects")
            project_id = None
    with engine.reader() as conn:
        page = db_messages.page(conn, wanted, project_id=project_id)
    answer = {"messages": [view(request, row) for row in page]}
    if paged and page and (more := paging.next_links(request, page, page[-1]["id"])):
        answer["messages_links"] = more
    return answer


def show(request: wsgi.Request) -> dict[str, Any]:
    project_id = messages.whose(request.context)
    with engine.reader() as conn:
        row = db_messages.get(conn, request.args["message_id"], project_id=project_id)
    return {"message": view(request, row)}


def delete(request: wsgi.Request) -> None:
    messages.delete(request.context, request.args["message_id"])


_ONE = "/messages/{message_id}"

ROWS = [
    Route(
        "GET", "/messages", index, "volume:messages:list", query=_LIST_QUERY, versions=_FIRST
    ),
    Route("GET", _ONE, show, "volume:messages:show", query=NO_QUERY, versions=_FIRST),
    Route(
        "DELETE",
        _ONE,
        delete,
        "volume:messages:delete",
        query=NO_QUERY,
        status=204,
        versions=_FIRST,
    ),
]
