"""Domains."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.identity import common
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.db.identity.rows import Row
from mycloud.identity import domains, records

_PROPERTIES = {
    "name": common.name(64),
    "description": common.DESCRIPTION,
    "enabled": common.FLAG,
    "options": common.OPTIONS,
    "tags": {"type": "array", "maxItems": 80, "items": {"type": "string", "maxLength": 255}},
}
_COLUMNS = ("name", "description", "enabled")
_CREATE = common.body(
    "domain", {**_PROPERTIES, "explicit_domain_id": common.ID}, required=["name"]
)
_UPDATE = common.body("domain", _PROPERTIES)


def view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        "tags": [],
        "options": {},
        **(row["extra"] or {}),
        "id": row["id"],
        "name": row["name"],
        "description": row["description"] or "",
        "enabled": row["enabled"],
        "links": common.link(request, f"/domains/{row['id']}"),
    }


def index(request: wsgi.Request) -> Any:
    rows = records.listed(records.DOMAIN, common.page(request, "name", "enabled"))
    return common.listing(request, "domains", rows, view)


def show(request: wsgi.Request) -> Any:
    domain_id = request.args["domain_id"]
    common.own(request, "identity:domains:show", "domain", {"domain_id": domain_id})
    return {"domain": view(request, records.get(records.DOMAIN, domain_id))}


def create(request: wsgi.Request) -> Any:
    body = request.json_body["domain"]
    values, extra = common.split(body, _COLUMNS, ("explicit_domain_id",))
    if "explicit_domain_id" in body:
        values["id"] = body["explicit_domain_id"]
    return {"domain": view(request, domains.create({**values, "extra": extra}))}


def update(request: wsgi.Request) -> Any:
    values, extra = common.split(request.json_body["domain"], _COLUMNS)
    row = domains.update(request.args["domain_id"], values, extra)
    return {"domain": view(request, row)}


def delete(request: wsgi.Request) -> Any:
    domains.delete(request.args["domain_id"])


_ONE = "/domains/{domain_id}"
ROWS = [
    Route(
        "GET", "/domains", index, "identity:domains:list",
        query=common.list_query("name", "enabled"),
    ),
    Route(
        "POST", "/domains", create, "identity:domains:create",
        body=_CREATE, query=ANY_QUERY, status=201,
    ),
    Route("GET", _ONE, show, "identity:any_user", query=ANY_QUERY),
    Route("PATCH", _ONE, update, "identity:domains:update", body=_UPDATE, query=ANY_QUERY),
    Route("DELETE", _ONE, delete, "identity:domains:delete", query=ANY_QUERY, status=204),
]
