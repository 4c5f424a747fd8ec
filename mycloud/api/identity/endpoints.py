"""Endpoints of the catalog's services."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.identity import common
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.db.identity.rows import Row
from mycloud.identity import catalog, endpoints, records

_REGION = {
    "type": ["string", "null"], "maxLength": 255, "pattern": r"^[^/]*\Z", "format": "printable"
}
_PROPERTIES = {
    "service_id": common.ID,
    "interface": {"enum": ["admin", "internal", "public"]},
    "url": {"type": "string", "minLength": 1, "maxLength": 2048, "pattern": r"^\S+\Z"},
    "region": _REGION,
    "region_id": _REGION,
    "enabled": common.FLAG,
    "name": {"type": ["string", "null"], "maxLength": 255},
    "description": common.DESCRIPTION,
}
_COLUMNS = ("service_id", "interface", "url", "region_id", "enabled")
_CREATE = common.body("endpoint", _PROPERTIES, required=["service_id", "interface", "url"])
_UPDATE = common.body("endpoint", _PROPERTIES)
_FILTERS = ("service_id", "interface", "region_id")


def view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        **(row["extra"] or {}),
        "id": row["id"],
        "service_id": row["service_id"],
        "interface": row["interface"],
        "url": catalog.shown(row["url"], common.base_url(request)),
        "region": row["region_id"],
        "region_id": row["region_id"],
        "enabled": row["enabled"],
        "links": common.link(request, f"/endpoints/{row['id']}"),
    }


def _values(request: wsgi.Request) -> tuple[dict[str, Any], dict[str, Any], bool]:
    """(columns, properties of the user's own, whether the region may be made). The older key
    ``region`` names one that is made if need be; ``region_id`` one that must be there."""
    body = request.json_body["endpoint"]
    values, extra = common.split(body, _COLUMNS, ("region",))
    new_region = "region_id" not in body and bool(body.get("region"))
    if new_region:
        values["region_id"] = body["region"]
    return values, extra, new_region


def index(request: wsgi.Request) -> Any:
    rows = records.listed(records.ENDPOINT, common.page(request, *_FILTERS))
    return common.listing(request, "endpoints", rows, view)


def show(request: wsgi.Request) -> Any:
    row = records.get(records.ENDPOINT, request.args["endpoint_id"])
    return {"endpoint": view(request, row)}


def create(request: wsgi.Request) -> Any:
    values, extra, new_region = _values(request)
    row = endpoints.create_endpoint({**values, "extra": extra}, new_region=new_region)
    return {"endpoint": view(request, row)}


def update(request: wsgi.Request) -> Any:
    values, extra, new_region = _values(request)
    row = endpoints.update_endpoint(
        request.args["endpoint_id"], values, extra, new_region=new_region
    )
    return {"endpoint": view(request, row)}


def delete(request: wsgi.Request) -> Any:
    endpoints.delete_endpoint(request.args["endpoint_id"])


_ONE = "/endpoints/{endpoint_id}"
ROWS = [
    Route(
        "GET", "/endpoints", index, "identity:endpoints:list",
        query=common.list_query(*_FILTERS),
    ),
    Route(
        "POST", "/endpoints", create, "identity:endpoints:create",
        body=_CREATE, query=ANY_QUERY, status=201,
    ),
    Route("GET", _ONE, show, "identity:endpoints:list", query=ANY_QUERY),
    Route("PATCH", _ONE, update, "identity:endpoints:update", body=_UPDATE, query=ANY_QUERY),
    Route("DELETE", _ONE, delete, "identity:endpoints:delete", query=ANY_QUERY, status=204),
]
