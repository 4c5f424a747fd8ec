"""Services of the catalog."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.identity import common
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.db.identity.rows import Row
from mycloud.identity import endpoints, records

_PROPERTIES = {
    "type": {"type": "string", "minLength": 1, "maxLength": 255},
    "name": {"type": ["string", "null"], "maxLength": 255},
    "description": common.DESCRIPTION,
    "enabled": common.FLAG,
}
_CREATE = common.body("service", _PROPERTIES, required=["type"])
_UPDATE = common.body("service", _PROPERTIES)


def view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    found = {
        **(row["extra"] or {}),
        "id": row["id"],
        "type": row["type"],
        "enabled": row["enabled"],
        "links": common.link(request, f"/services/{row['id']}"),
    }
    for name in ("name", "description"):
        if row[name] is not None:
            found[name] = row[name]
    return found


def index(request: wsgi.Request) -> Any:
    rows = records.listed(records.SERVICE, common.page(request, "name", "type"))
    return common.listing(request, "services", rows, view)


def show(request: wsgi.Request) -> Any:
    row = records.get(records.SERVICE, request.args["service_id"])
    return {"service": view(request, row)}


def create(request: wsgi.Request) -> Any:
    values, extra = common.split(request.json_body["service"], _PROPERTIES)
    return {"service": view(request, endpoints.create_service({**values, "extra": extra}))}


def update(request: wsgi.Request) -> Any:
    values, extra = common.split(request.json_body["service"], _PROPERTIES)
    row = endpoints.update_service(request.args["service_id"], values, extra)
    return {"service": view(request, row)}


def delete(request: wsgi.Request) -> Any:
    endpoints.delete_service(request.args["service_id"])


_ONE = "/services/{service_id}"
ROWS = [
    Route(
        "GET", "/services", index, "identity:services:list",
        query=common.list_query("name", "type"),
    ),
    Route(
        "POST", "/services", create, "identity:services:create",
        body=_CREATE, query=ANY_QUERY, status=201,
    ),
    Route("GET", _ONE, show, "identity:services:list", query=ANY_QUERY),
    Route("PATCH", _ONE, update, "identity:services:update", body=_UPDATE, query=ANY_QUERY),
    Route("DELETE", _ONE, delete, "identity:services:delete", query=ANY_QUERY, status=204),
]
