"""Application credentials of a user, and the access rules that they have."""

import datetime
from typing import Any

from oslo_utils import timeutils

from mycloud.api import wsgi
from mycloud.api.identity import auth, common
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.common import exceptions
from mycloud.db.identity.rows import Page, Row
from mycloud.identity import application_credentials as credentials
from mycloud.identity import records

_RULE = {
    "type": "object",
    "properties": {
        "id": common.ID,
        "service": {"type": "string", "minLength": 1, "maxLength": 255},
        "method": {"enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]},
        "path": {"type": "string", "pattern": "^/", "maxLength": 255},
    },
    "anyOf": [{"required": ["id"]}, {"required": ["service", "method", "path"]}],
    "additionalProperties": False,
}
_ROLE = {
    "type": "object",
    "properties": {"id": common.ID, "name": common.name()},
    "anyOf": [{"required": ["id"]}, {"required": ["name"]}],
    "maxProperties": 16,
}
_CREATE = common.body(
    "application_credential",
    {
        "name": common.name(),
        "description": common.DESCRIPTION,
        "secret": {"type": ["string", "null"], "minLength": 1, "maxLength": 4096},
        "expires_at": {"type": ["string", "null"], "maxLength": 64},
        "roles": {"type": "array", "maxItems": 64, "items": _ROLE},
        "unrestricted": common.FLAG,
        "access_rules": {"type": "array", "maxItems": 64, "items": _RULE},
        "project_id": common.OPTIONAL_ID,
    },
    required=["name"],
    extra=False,
)


def view(request: wsgi.Request, row: Row, roles: dict[str, Row]) -> dict[str, Any]:
    """``roles``: all there are, by id."""
    path = f"/users/{row['user_id']}/application_credentials/{row['id']}"
    expires_at = row["expires_at"]
    found = {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "user_id": row["user_id"],
        "project_id": row["project_id"],
        "unrestricted": row["unrestricted"],
        "expires_at": None if expires_at is None else expires_at.isoformat(),
        "roles": [
            {"id": role_id, "name": roles[role_id]["name"], "domain_id": None}
            for role_id in row["roles"]
            if role_id in roles
        ],
        "links": common.link(request, path),
    }
    if row["access_rules"] is not None:
        found["access_rules"] = row["access_rules"]
    return found


def index(request: wsgi.Request) -> Any:
    user_id = common.own_user(request, "identity:application_credentials:show")
    page = common.page(request, "name")
    mine = Page({**page.filters, "user_id": user_id}, page.marker, page.limit)
    rows = records.listed(records.APP_CREDENTIAL, mine)
    roles = credentials.role_rows()
    return common.listing(
        request, "application_credentials", rows, lambda _, row: view(request, row, roles)
    )


def show(request: wsgi.Request) -> Any:
    user_id = common.own_user(request, "identity:application_credentials:show")
    row = credentials.get(user_id, request.args["credential_id"])
    return {"application_credential": view(request, row, credentials.role_rows())}


def create(request: wsgi.Request) -> Any:
    user_id = request.args["user_id"]
    if user_id != request.context.user_id:
        raise exceptions.Forbidden("Everybody makes application credentials for themselves.")
    body = dict(request.json_body["application_credential"])
    body["expires_at"] = _time(body.get("expires_at"))
    made = credentials.create(auth.own_grant(request).subject, body)
    found = view(request, made.row, credentials.role_rows())
    return {"application_credential": {**found, "secret": made.secret}}


def _time(text: str | None) -> datetime.datetime | None:
    """:raises BadField: when it is no ISO 8601 time"""
    if text is None:
        return None
    try:
        return timeutils.normalize_time(timeutils.parse_isotime(text))
    except (ValueError, OverflowError) as error:
        raise exceptions.BadField(
            field="expires_at", reason="it must be a time such as 2030-01-31T12:00:00Z"
        ) from error


def delete(request: wsgi.Request) -> Any:
    user_id = common.own_user(request, "identity:application_credentials:delete")
    credentials.check_unrestricted(auth.own_grant(request).subject)
    credentials.delete(user_id, request.args["credential_id"])


# -- access rules ------------------------------------------------------------------------------


def rule_view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "service": row["service"],
        "method": row["method"],
        "path": row["path"],
        "links": common.link(request, f"/users/{row['user_id']}/access_rules/{row['id']}"),
    }


def list_rules(request: wsgi.Request) -> Any:
    user_id = common.own_user(request, "identity:access_rules:show")
    page = common.page(request, "service", "method", "path")
    mine = Page({**page.filters, "user_id": user_id}, page.marker, page.limit)
    rows = records.listed(records.ACCESS_RULE, mine)
    return common.listing(request, "access_rules", rows, rule_view)


def show_rule(request: wsgi.Request) -> Any:
    user_id = common.own_user(request, "identity:access_rules:show")
    row = credentials.rule(user_id, request.args["rule_id"])
    return {"access_rule": rule_view(request, row)}


def delete_rule(request: wsgi.Request) -> Any:
    user_id = common.own_user(request, "identity:access_rules:delete")
    credentials.delete_rule(user_id, request.args["rule_id"])


_ALL = "/users/{user_id}/application_credentials"
_ONE = f"{_ALL}/{{credential_id}}"
_RULES = "/users/{user_id}/access_rules"
_ANY_USER = "identity:any_user"
ROWS = [
    Route("GET", _ALL, index, _ANY_USER, query=common.list_query("name")),
    Route(
        "POST", _ALL, create, "identity:application_credentials:create",
        body=_CREATE, query=ANY_QUERY, status=201,
    ),
    Route("GET", _ONE, show, _ANY_USER, query=ANY_QUERY),
    Route("DELETE", _ONE, delete, _ANY_USER, query=ANY_QUERY, status=204),
    Route(
        "GET", _RULES, list_rules, _ANY_USER,
        query=common.list_query("service", "method", "path"),
    ),
    Route("GET", f"{_RULES}/{{rule_id}}", show_rule, _ANY_USER, query=ANY_QUERY),
    Route("DELETE", f"{_RULES}/{{rule_id}}", delete_rule, _ANY_USER, query=ANY_QUERY, status=204),
]
