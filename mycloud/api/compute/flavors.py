"""Flavors: the sizes of servers."""

from typing import Any

from oslo_utils import strutils

from mycloud.api import paging, wsgi
from mycloud.api.compute import links
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.schema import INT32_MAX
from mycloud.api.versions import Version
from mycloud.common import exceptions
from mycloud.compute.requests import flavors
from mycloud.db import engine
from mycloud.db import flavors as db_flavors
from mycloud.db.flavors import Listing, Row

_DESCRIPTION = {"type": ["string", "null"], "maxLength": 65535}
_BOOLEAN = {
    "enum": [
        True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes",
        False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no",
    ]
}  # fmt: skip
_NATURAL = {
    "type": ["integer", "string"], "format": "int32", "pattern": "^[0-9]",
    "minimum": 0, "maximum": INT32_MAX,
}  # fmt: skip
_POSITIVE = {**_NATURAL, "minimum": 1, "pattern": "^0*[1-9]"}

_CREATE = {
    "name": {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"},
    "id": {
        "type": ["string", "integer", "null"],
        "maxLength": 255,
        "pattern": r"^(?! )[a-zA-Z0-9. _-]+(?<! )\Z",
        "minimum": 0,
        "maximum": 2**63 - 1,
    },
    "ram": _POSITIVE,
    "vcpus": _POSITIVE,
    "disk": _NATURAL,
    "OS-FLV-EXT-DATA:ephemeral": _NATURAL,
    "swap": _NATURAL,
    "rxtx_factor": {
        "type": ["number", "string"],
        "pattern": r"^[0-9]{1,9}(\.[0-9]{1,9})?\Z",
        "exclusiveMinimum": 0,
        "maximum": 3.4e38,
    },
    "os-flavor-access:is_public": _BOOLEAN,
}
_UPDATE = {"description": _DESCRIPTION}


def _body(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    flavor = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"flavor": flavor},
        "required": ["flavor"],
        "additionalProperties": False,
    }


_SIZES = ("name", "ram", "vcpus", "disk")
_CREATE_BODY = [
    ("2.1", _body(_CREATE, *_SIZES)),
    ("2.55", _body({**_CREATE, **_UPDATE}, *_SIZES)),
]
_UPDATE_BODY = _body(_UPDATE, "description")
_LIST_QUERY = {
    "type": "object",
    "properties": {
        "limit": paging.LIMIT,
        "marker": paging.MARKER,
        "is_public": {"type": "string", "maxLength": 16},
        "minRam": {"type": "string", "format": "int32"},
        "minDisk": {"type": "string", "format": "int32"},
        "sort_key": {"enum": sorted(db_flavors.SORT_KEYS)},
        "sort_dir": {"enum": ["asc", "desc"]},
    },
    "additionalProperties": True,
}

_WITH_DESCRIPTION = Version(2, 55)


def view(request: wsgi.Request, flavor: Row) -> dict[str, Any]:
    """A flavor in full; ram and swap in MiB, disk and ephemeral in GiB."""
    return {
        **brief(request, flavor),
        "ram": flavor["memory_mb"],
        "vcpus": flavor["vcpus"],
        "disk": flavor["root_gb"],
        # a text for none, until a version that is not spoken here
        "swap": flavor["swap_mb"] or "",
        "OS-FLV-EXT-DATA:ephemeral": flavor["ephemeral_gb"],
        "OS-FLV-DISABLED:disabled": flavor["disabled"],
        "os-flavor-access:is_public": flavor["is_public"],
        "rxtx_factor": flavor["rxtx_factor"],
    }


def brief(request: wsgi.Request, flavor: Row) -> dict[str, Any]:
    """A flavor as the short list shows it."""
    shown = {
        "id": flavor["flavorid"],
        "name": flavor["name"],
        "links": links.of(request, "flavors", flavor["flavorid"]),
    }
    if request.version >= _WITH_DESCRIPTION:
        shown["description"] = flavor["description"]
    return shown


def _listing(request: wsgi.Request) -> Listing:
    query = request.query
    return Listing(
        is_public=_is_public(query.get("is_public", "True")),
        min_ram=int(query["minRam"]) if "minRam" in query else None,
        min_disk=int(query["minDisk"]) if "minDisk" in query else None,
        sort_key=query.get("sort_key", "flavorid"),
        ascending=query.get("sort_dir", "asc") == "asc",
        marker=query.get("marker"),
        limit=paging.limit_of(request),
    )


def _is_public(text: str) -> bool | None:
    if text.lower() == "none":
        return None
    public = strutils.bool_from_string(text, default=None)
    if public is None:
        raise exceptions.BadField(
            field="is_public", reason=f"Invalid is_public filter [{text}]: True, False or None."
        )
    return bool(public)


def _list(request: wsgi.Request, one: Any) -> dict[str, Any]:
    with engine.reader() as conn:
        page = db_flavors.every(conn, request.context, _listing(request))
    answer = {"flavors": [one(request, flavor) for flavor in page]}
    if page and (more := paging.next_links(request, page, page[-1]["flavorid"])):
        answer["flavors_links"] = more
    return answer


def index(request: wsgi.Request) -> dict[str, Any]:
    return _list(request, brief)


def detail(request: wsgi.Request) -> dict[str, Any]:
    return _list(request, view)


def show(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        flavor = db_flavors.get(conn, request.context, request.args["flavor_id"])
    return {"flavor": view(request, flavor)}


def create(request: wsgi.Request) -> dict[str, Any]:
    wanted = request.json_body["flavor"]
    chosen = wanted.get("id")
    flavor = flavors.create(
        {
            "name": wanted["name"],
            "flavorid": None if chosen is None else str(chosen),
            "description": wanted.get("description"),
            "memory_mb": int(wanted["ram"]),
            "vcpus": int(wanted["vcpus"]),
            "root_gb": int(wanted["disk"]),
            "ephemeral_gb": int(wanted.get("OS-FLV-EXT-DATA:ephemeral", 0)),
            "swap_mb": int(wanted.get("swap", 0)),
            "rxtx_factor": float(wanted.get("rxtx_factor", 1.0)),
            "is_public": strutils.bool_from_string(
                wanted.get("os-flavor-access:is_public", True)
            ),
        }
    )
    return {"flavor": view(request, flavor)}


def update(request: wsgi.Request) -> dict[str, Any]:
    description = request.json_body["flavor"]["description"]
    flavor = flavors.describe(request.context, request.args["flavor_id"], description)
    return {"flavor": view(request, flavor)}


def delete(request: wsgi.Request) -> None:
    flavors.delete(request.context, request.args["flavor_id"])


ROWS = [
    Route("GET", "/flavors", index, "compute:flavors:list", query=_LIST_QUERY),
    Route(
        "POST", "/flavors", create, "compute:flavors:create", body=_CREATE_BODY, query=NO_QUERY
    ),
    Route("GET", "/flavors/detail", detail, "compute:flavors:list", query=_LIST_QUERY),
    Route("GET", "/flavors/{flavor_id}", show, "compute:flavors:show", query=NO_QUERY),
    Route(
        "PUT",
        "/flavors/{flavor_id}",
        update,
        "compute:flavors:update",
        body=_UPDATE_BODY,
        query=NO_QUERY,
        versions=("2.55", ""),
    ),
    Route(
        "DELETE",
        "/flavors/{flavor_id}",
        delete,
        "compute:flavors:delete",
        query=NO_QUERY,
        status=202,
    ),
]
