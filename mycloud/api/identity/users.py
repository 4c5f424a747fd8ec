"""Users."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.identity import common, projects
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.db.identity.rows import Row
from mycloud.identity import reach, records, users

_PASSWORD = {"type": "string", "maxLength": 4096}
_PROPERTIES = {
    "name": common.name(),
    "password": {"type": ["string", "null"], "maxLength": 4096},
    "default_project_id": common.OPTIONAL_ID,
    "description": common.DESCRIPTION,
    "email": {"type": ["string", "null"], "maxLength": 255},
    "enabled": common.FLAG,
    "options": common.OPTIONS,
    "domain_id": common.OPTIONAL_ID,
}
_COLUMNS = (
    "name", "password", "default_project_id", "description", "email", "enabled", "options"
)
_NEVER = ("domain_id", "password_expires_at", "password_hash", "federated", "original_password")
_CREATE = common.body("user", _PROPERTIES, required=["name"])
_UPDATE = common.body("user", _PROPERTIES)
_CHANGE_PASSWORD = common.body(
    "user",
    {"password": _PASSWORD, "original_password": _PASSWORD},
    required=["password", "original_password"],
)
_FILTERS = ("name", "enabled", "domain_id")


def view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    found = {
        **(row["extra"] or {}),
        "id": row["id"],
        "name": row["name"],
        "domain_id": row["domain_id"],
        "enabled": row["enabled"],
        "options": row["options"] or {},
        "password_expires_at": common.time(row["password_expires_at"]),
        "links": common.link(request, f"/users/{row['id']}"),
    }
    for name in ("default_project_id", "description", "email"):
        if row[name] is not None:
            found[name] = row[name]
    return found


def index(request: wsgi.Request) -> Any:
    rows = records.listed(records.USER, common.page(request, *_FILTERS))
    return common.listing(request, "users", rows, view)


def show(request: wsgi.Request) -> Any:
    user_id = common.own_user(request, "identity:users:show")
    return {"user": view(request, records.get(records.USER, user_id))}


def create(request: wsgi.Request) -> Any:
    body = request.json_body["user"]
    values, extra = common.split(body, _COLUMNS, _NEVER)
    values["domain_id"] = body.get("domain_id") or common.own_domain(request)
    return {"user": view(request, users.create({**values, "extra": extra}))}


def update(request: wsgi.Request) -> Any:
    body = request.json_body["user"]
    values, extra = common.split(body, _COLUMNS, _NEVER)
    common.same_domain(body, records.get(records.USER, request.args["user_id"]))
    return {"user": view(request, users.update(request.args["user_id"], values, extra))}


def delete(request: wsgi.Request) -> Any:
    users.delete(request.args["user_id"])


def change_password(request: wsgi.Request) -> Any:
    body = request.json_body["user"]
    users.change_password(
        request.args["user_id"], body["original_password"], body["password"]
    )


def list_projects(request: wsgi.Request) -> Any:
    user_id = common.own_user(request, "identity:users:projects")
    records.get(records.USER, user_id)
    return common.whole(request, "projects", reach.projects(user_id), projects.view)


_ONE = "/users/{user_id}"
_ANY_USER = "identity:any_user"
ROWS = [
    Route(
        "GET", "/users", index, "identity:users:list", query=common.list_query(*_FILTERS)
    ),
    Route(
        "POST", "/users", create, "identity:users:create",
        body=_CREATE, query=ANY_QUERY, status=201,
    ),
    Route("GET", _ONE, show, _ANY_USER, query=ANY_QUERY),
    Route("PATCH", _ONE, update, "identity:users:update", body=_UPDATE, query=ANY_QUERY),
    Route("DELETE", _ONE, delete, "identity:users:delete", query=ANY_QUERY, status=204),
    # the old password is the proof: who has an expired one can't bring a token
    Route(
        "POST", f"{_ONE}/password", change_password,
        anonymous=True, body=_CHANGE_PASSWORD, query=ANY_QUERY, status=204,
    ),
    Route("GET", f"{_ONE}/projects", list_projects, _ANY_USER, query=ANY_QUERY),
]
