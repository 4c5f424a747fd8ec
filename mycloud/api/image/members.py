"""/v2/images/{id}/members: whom an image is shared with."""

from collections.abc import Mapping
from typing import Any

from mycloud.api import wsgi
from mycloud.api.image import documents
from mycloud.api.image.images import time_view
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.db import engine
from mycloud.image import sharing


def view(row: Mapping[str, Any]) -> dict[str, Any]:
    """A member as the API shows it."""
    return {
        "member_id": row["member"],
        "image_id": row["image_id"],
        "status": row["status"],
        "created_at": time_view(row["created_at"]),
        "updated_at": time_view(row["updated_at"]),
        "schema": f"{documents.ROOT}/schemas/member",
    }


def index(request: wsgi.Request) -> Any:
    with engine.reader() as conn:
        rows = sharing.members(conn, request.context, request.args["id"])
    return {
        "members": [view(row) for row in rows], "schema": f"{documents.ROOT}/schemas/members"
    }


def show(request: wsgi.Request) -> Any:
    args = request.args
    with engine.reader() as conn:
        return view(sharing.member(conn, request.context, args["id"], args["member"]))


def create(request: wsgi.Request) -> Any:
    member = request.json_body["member"]
    return view(sharing.share(request.context, request.args["id"], member))


def update(request: wsgi.Request) -> Any:
    args, status = request.args, request.json_body["status"]
    return view(sharing.answer(request.context, args["id"], args["member"], status))


def delete(request: wsgi.Request) -> None:
    sharing.unshare(request.context, request.args["id"], request.args["member"])


_ALL, _ONE = "/images/{id}/members", "/images/{id}/members/{member}"
ROWS = [
    Route("GET", _ALL, index, "image:members:list", query=ANY_QUERY),
    Route(
        "POST", _ALL, create, "image:members:create",
        body=documents.CREATE_MEMBER, query=ANY_QUERY,
    ),
    Route("GET", _ONE, show, "image:members:show", query=ANY_QUERY),
    Route(
        "PUT", _ONE, update, "image:members:update",
        body=documents.UPDATE_MEMBER, query=ANY_QUERY,
    ),
    Route("DELETE", _ONE, delete, "image:members:delete", query=ANY_QUERY, status=204),
]
