"""Roles, and which role implies which."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.identity import common
from mycloud.api.routing import ANY_QUERY, NO_BODY, Route
from mycloud.db.identity.rows import Page, Row
from mycloud.identity import records, roles

_PROPERTIES = {
    "name": common.name(),
    "description": common.DESCRIPTION,
    "domain_id": common.OPTIONAL_ID,
    "options": {
        **common.OPTIONS,
        "properties": {"immutable": {"type": ["boolean", "null"]}},
    },
}
_COLUMNS = ("name", "description", "options")
_NEVER = ("domain_id",)
_CREATE = common.body("role", _PROPERTIES, required=["name"])
_UPDATE = common.body("role", _PROPERTIES)


def view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        **(row["extra"] or {}),
        "id": row["id"],
        "name": row["name"],
        "domain_id": row["domain_id"] or None,
        "description": row["description"],
        "options": row["options"] or {},
        "links": common.link(request, f"/roles/{row['id']}"),
    }


def index(request: wsgi.Request) -> Any:
    page = common.page(request, "name")
    # without a domain, the roles of the whole cloud
    filters = {"domain_id": request.query.get("domain_id", ""), **page.filters}
    rows = records.listed(records.ROLE, Page(filters, page.marker, page.limit))
    return common.listing(request, "roles", rows, view)


def show(request: wsgi.Request) -> Any:
    return {"role": view(request, records.get(records.ROLE, request.args["role_id"]))}


def create(request: wsgi.Request) -> Any:
    body = request.json_body["role"]
    values, extra = common.split(body, _COLUMNS, _NEVER)
    values["domain_id"] = body.get("domain_id") or ""
    return {"role": view(request, roles.create({**values, "extra": extra}))}


def update(request: wsgi.Request) -> Any:
    body = request.json_body["role"]
    values, extra = common.split(body, _COLUMNS, _NEVER)
    row = records.get(records.ROLE, request.args["role_id"])
    common.same_domain(body, {"domain_id": row["domain_id"] or None})
    return {"role": view(request, roles.update(request.args["role_id"], values, extra))}


def delete(request: wsgi.Request) -> Any:
    roles.delete(request.args["role_id"])


# -- implied roles -----------------------------------------------------------------------------


def _short(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "links": common.link(request, f"/roles/{row['id']}"),
    }


def _inference(request: wsgi.Request, prior: Row, implied: Row) -> dict[str, Any]:
    return {
        "role_inference": {
            "prior_role": _short(request, prior),
            "implies": _short(request, implied),
        },
        "links": common.link(request, f"/roles/{prior['id']}/implies/{implied['id']}"),
    }


def _inferences(request: wsgi.Request, prior: Row, implied: list[Row]) -> dict[str, Any]:
    return {
        "prior_role": _short(request, prior),
        "implies": [_short(request, row) for row in implied],
    }


def list_inferences(request: wsgi.Request) -> Any:
    return {
        "role_inferences": [
            _inferences(request, prior, implied) for prior, implied in roles.inferences()
        ],
        "links": common.link(request, "/role_inferences"),
    }


def list_implied(request: wsgi.Request) -> Any:
    [(prior, implied)] = roles.inferences(request.args["prior_role_id"])
    return {
        "role_inference": _inferences(request, prior, implied),
        "links": common.link(request, f"/roles/{prior['id']}/implies"),
    }


def _pair(request: wsgi.Request) -> tuple[str, str]:
    return request.args["prior_role_id"], request.args["implied_role_id"]


def show_implied(request: wsgi.Request) -> Any:
    return _inference(request, *roles.inference(*_pair(request)))


def check_implied(request: wsgi.Request) -> Any:
    roles.inference(*_pair(request))


def imply(request: wsgi.Request) -> Any:
    return _inference(request, *roles.imply(*_pair(request)))


def stop_implying(request: wsgi.Request) -> Any:
    roles.stop_implying(*_pair(request))


_ONE = "/roles/{role_id}"
_IMPLIES = "/roles/{prior_role_id}/implies"
_PAIR = "/roles/{prior_role_id}/implies/{implied_role_id}"
ROWS = [
    Route(
        "GET", "/roles", index, "identity:roles:list",
        query=common.list_query("name", "domain_id"),
    ),
    Route(
        "POST", "/roles", create, "identity:roles:create",
        body=_CREATE, query=ANY_QUERY, status=201,
    ),
    Route("GET", _ONE, show, "identity:roles:show", query=ANY_QUERY),
    Route("PATCH", _ONE, update, "identity:roles:update", body=_UPDATE, query=ANY_QUERY),
    Route("DELETE", _ONE, delete, "identity:roles:delete", query=ANY_QUERY, status=204),
    Route(
        "GET", "/role_inferences", list_inferences, "identity:implied_roles:list",
        query=ANY_QUERY,
    ),
    Route("GET", _IMPLIES, list_implied, "identity:implied_roles:list", query=ANY_QUERY),
    Route("GET", _PAIR, show_implied, "identity:implied_roles:list", query=ANY_QUERY),
    Route(
        "HEAD", _PAIR, check_implied, "identity:implied_roles:list",
        query=ANY_QUERY, status=204,
    ),
    Route(
        "PUT", _PAIR, imply, "identity:implied_roles:update",
        body=NO_BODY, query=ANY_QUERY, status=201,
    ),
    Route(
        "DELETE", _PAIR, stop_implying, "identity:implied_roles:update",
        query=ANY_QUERY, status=204,
    ),
]
