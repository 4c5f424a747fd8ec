"""Credentials that users keep for other programs."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.identity import common
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.common import exceptions, policy
from mycloud.db.identity.rows import Page, Row
from mycloud.identity import credentials, records

_BLOB = {"type": "string", "maxLength": 65535}
_TYPE = {"type": "string", "minLength": 1, "maxLength": 255}
_CREATE = common.body(
    "credential",
    {"blob": _BLOB, "type": _TYPE, "user_id": common.ID, "project_id": common.OPTIONAL_ID},
    required=["blob", "type", "user_id"],
)
_UPDATE = common.body(
    "credential",
    {"blob": _BLOB, "type": _TYPE, "user_id": common.ID, "project_id": common.OPTIONAL_ID},
)
_FIXED = ("type", "user_id", "project_id")


def view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "type": row["type"],
        "user_id": row["user_id"],
        "project_id": row["project_id"],
        "blob": credentials.opened(row),
        "links": common.link(request, f"/credentials/{row['id']}"),
    }


def _own(request: wsgi.Request) -> Row:
    """The credential of the path, for its user and administrators."""
    credential_id = request.args["credential_id"]
    row = records.get(records.CREDENTIAL, credential_id)
    target = {"user_id": row["user_id"]}
    if not policy.allowed(request.context, "identity:credentials:use", target):
        raise exceptions.IdentityNotFound(noun="credential", id=credential_id)
    return row


def index(request: wsgi.Request) -> Any:
    page = common.page(request, "user_id", "type")
    filters = dict(page.filters)
    nobody = {"user_id": ""}
    if not policy.allowed(request.context, "identity:credentials:use", nobody):
        # who may not see others' sees the own ones, whoever is asked for
        filters["user_id"] = request.context.user_id
    rows = credentials.listed(Page(filters, page.marker, page.limit))
    return common.listing(request, "credentials", rows, view)


def show(request: wsgi.Request) -> Any:
    return {"credential": view(request, _own(request))}


def create(request: wsgi.Request) -> Any:
    body = request.json_body["credential"]
    target = {"user_id": body["user_id"]}
    policy.enforce(request.context, "identity:credentials:use", target)
    values = {name: body.get(name) for name in ("blob", *_FIXED)}
    return {"credential": view(request, credentials.create(values))}


def update(request: wsgi.Request) -> Any:
    row, body = _own(request), request.json_body["credential"]
    for name in _FIXED:
        if name in body and body[name] != row[name]:
            raise exceptions.BadField(field=name, reason="it can't be changed")
    return {"credential": view(request, credentials.update(row["id"], body.get("blob")))}


def delete(request: wsgi.Request) -> Any:
    credentials.delete(_own(request)["id"])


_ONE = "/credentials/{credential_id}"
_ANY_USER = "identity:any_user"
ROWS = [
    Route(
        "GET", "/credentials", index, _ANY_USER, query=common.list_query("user_id", "type")
    ),
    Route(
        "POST", "/credentials", create, _ANY_USER, body=_CREATE, query=ANY_QUERY, status=201
    ),
    Route("GET", _ONE, show, _ANY_USER, query=ANY_QUERY),
    Route("PATCH", _ONE, update, _ANY_USER, body=_UPDATE, query=ANY_QUERY),
    Route("DELETE", _ONE, delete, _ANY_USER, query=ANY_QUERY, status=204),
]
