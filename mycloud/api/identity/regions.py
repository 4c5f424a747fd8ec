"""Regions."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.identity import common
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.db.identity.rows import Row
from mycloud.identity import endpoints, records

_ID = {"type": ["string", "null"], "maxLength": 255, "pattern": r"^[^/]*\Z", "format": "printable"}
_PROPERTIES = {"description": common.DESCRIPTION, "parent_region_id": _ID}
_COLUMNS = ("description", "parent_region_id")
_BODY = common.body("region", {"id": _ID, **_PROPERTIES})


def view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        **(row["extra"] or {}),
        "id": row["id"],
        "description": row["description"] or "",
        "parent_region_id": row["parent_region_id"],
        "links": common.link(request, f"/regions/{row['id']}"),
    }


def index(request: wsgi.Request) -> Any:
    rows = records.listed(records.REGION, common.page(request, "parent_region_id"))
    return common.listing(request, "regions", rows, view)


def show(request: wsgi.Request) -> Any:
    return {"region": view(request, records.get(records.REGION, request.args["region_id"]))}


def create(request: wsgi.Request) -> Any:
    body = request.json_body["region"]
    values, extra = common.split(body, _COLUMNS)
    row = endpoints.create_region({**values, "id": body.get("id"), "extra": extra})
    return {"region": view(request, row)}


def create_with_id(request: wsgi.Request) -> Any:
    values, extra = common.split(request.json_body["region"], _COLUMNS)
    region_id = request.args["region_id"]
    row = endpoints.create_region({**values, "id": region_id, "extra": extra})
    return {"region": view(request, row)}


def update(request: wsgi.Request) -> Any:
    values, extra = common.split(request.json_body["region"], _COLUMNS)
    row = endpoints.update_region(request.args["region_id"], values, extra)
    return {"region": view(request, row)}


def delete(request: wsgi.Request) -> Any:
    endpoints.delete_region(request.args["region_id"])


_ONE = "/regions/{region_id}"
ROWS = [
    Route(
        "GET", "/regions", index, "identity:regions:list",
        query=common.list_query("parent_region_id"),
    ),
    Route(
        "POST", "/regions", create, "identity:regions:create",
        body=_BODY, query=ANY_QUERY, status=201,
    ),
    Route("GET", _ONE, show, "identity:regions:list", query=ANY_QUERY),
    Route(
        "PUT", _ONE, create_with_id, "identity:regions:create",
        body=_BODY, query=ANY_QUERY, status=201,
    ),
    Route("PATCH", _ONE, update, "identity:regions:update", body=_BODY, query=ANY_QUERY),
    Route("DELETE", _ONE, delete, "identity:regions:delete", query=ANY_QUERY, status=204),
]
