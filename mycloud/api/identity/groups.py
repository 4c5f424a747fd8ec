"""Groups and their members."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.identity import common, users
from mycloud.api.routing import ANY_QUERY, NO_BODY, Route
from mycloud.db.identity.rows import Row
from mycloud.identity import groups, records

_PROPERTIES = {
    "name": common.name(64),
    "description": common.DESCRIPTION,
    "domain_id": common.OPTIONAL_ID,
}
_COLUMNS = ("name", "description")
_NEVER = ("domain_id",)
_CREATE = common.body("group", _PROPERTIES, required=["name"])
_UPDATE = common.body("group", _PROPERTIES)
_FILTERS = ("name", "domain_id")


def view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        **(row["extra"] or {}),
        "id": row["id"],
        "name": row["name"],
        "domain_id": row["domain_id"],
        "description": row["description"] or "",
        "links": common.link(request, f"/groups/{row['id']}"),
    }


def index(request: wsgi.Request) -> Any:
    rows = records.listed(records.GROUP, common.page(request, *_FILTERS))
    return common.listing(request, "groups", rows, view)


def show(request: wsgi.Request) -> Any:
    return {"group": view(request, records.get(records.GROUP, request.args["group_id"]))}


def create(request: wsgi.Request) -> Any:
    body = request.json_body["group"]
    values, extra = common.split(body, _COLUMNS, _NEVER)
    values["domain_id"] = body.get("domain_id") or common.own_domain(request)
    return {"group": view(request, groups.create({**values, "extra": extra}))}


def update(request: wsgi.Request) -> Any:
    body = request.json_body["group"]
    values, extra = common.split(body, _COLUMNS, _NEVER)
    common.same_domain(body, records.get(records.GROUP, request.args["group_id"]))
    return {"group": view(request, groups.update(request.args["group_id"], values, extra))}


def delete(request: wsgi.Request) -> Any:
    groups.delete(request.args["group_id"])


def list_members(request: wsgi.Request) -> Any:
    group_id = request.args["group_id"]
    records.get(records.GROUP, group_id)
    page = common.page(request, "name", "enabled")
    rows = records.listed(records.USER, page, groups.members(group_id))
    return common.listing(request, "users", rows, users.view)


def check_member(request: wsgi.Request) -> Any:
    groups.check_member(request.args["group_id"], request.args["user_id"])


def add_member(request: wsgi.Request) -> Any:
    groups.add_member(request.args["group_id"], request.args["user_id"])


def remove_member(request: wsgi.Request) -> Any:
    groups.remove_member(request.args["group_id"], request.args["user_id"])


def list_of_user(request: wsgi.Request) -> Any:
    user_id = common.own_user(request, "identity:users:groups")
    records.get(records.USER, user_id)
    rows = records.listed(records.GROUP, common.page(request, "name"), groups.of_user(user_id))
    return common.listing(request, "groups", rows, view)


_ONE = "/groups/{group_id}"
_MEMBER = "/groups/{group_id}/users/{user_id}"
_CHANGE = "identity:groups:members_update"
ROWS = [
    Route(
        "GET", "/users/{user_id}/groups", list_of_user, "identity:any_user",
        query=common.list_query("name"),
    ),
    Route(
        "GET", "/groups", index, "identity:groups:list", query=common.list_query(*_FILTERS)
    ),
    Route(
        "POST", "/groups", create, "identity:groups:create",
        body=_CREATE, query=ANY_QUERY, status=201,
    ),
    Route("GET", _ONE, show, "identity:groups:show", query=ANY_QUERY),
    Route("PATCH", _ONE, update, "identity:groups:update", body=_UPDATE, query=ANY_QUERY),
    Route("DELETE", _ONE, delete, "identity:groups:delete", query=ANY_QUERY, status=204),
    Route(
        "GET", f"{_ONE}/users", list_members, "identity:groups:members",
        query=common.list_query("name", "enabled"),
    ),
    Route("GET", _MEMBER, check_member, "identity:groups:members", query=ANY_QUERY, status=204),
    Route("PUT", _MEMBER, add_member, _CHANGE, body=NO_BODY, query=ANY_QUERY, status=204),
    Route("DELETE", _MEMBER, remove_member, _CHANGE, query=ANY_QUERY, status=204),
]
