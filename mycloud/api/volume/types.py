"""Volume types: what a volume asks of its backend."""

import ast
from typing import Any

from oslo_utils import strutils

from mycloud.api import paging, wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.versions import Version
from mycloud.api.volume import fields, lists
from mycloud.common import exceptions, policy
from mycloud.db import engine
from mycloud.db import volume_types as db_types
from mycloud.db.volume_types import Listing, Row
from mycloud.volume.requests import types

#: The extra specs that everybody sees who sees the type.
VISIBLE_SPECS = ("RESKEY:availability_zones", "multiattach", "replication_enabled")
_BY_SPECS = Version(3, 52)

_CREATE_BODY = fields.body(
    "volume_type",
    {
        "name": fields.NAME,
        "description": fields.DESCRIPTION,
        "extra_specs": fields.SPECS,
        "os-volume-type-access:is_public": fields.BOOLEAN,
    },
    "name",
)
_UPDATE_BODY = fields.body(
    "volume_type",
    {
        "name": {**fields.NAME, "type": ["string", "null"]},
        "description": fields.DESCRIPTION,
        "is_public": fields.BOOLEAN,
    },
)
_LIST_QUERY = lists.query(
    is_public={"type": "string", "maxLength": 16},
    name={"type": "string", "maxLength": 255},
    extra_specs={"type": "string", "maxLength": 4096},
)


def visible_specs(request: wsgi.Request, specs: dict[str, str]) -> dict[str, str]:
    """Those of a type's extra specs that the caller may see."""
    if policy.allowed(request.context, "volume:type_extra_specs:read_all"):
        return dict(specs)
    return {key: specs[key] for key in VISIBLE_SPECS if key in specs}


def _brief(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "is_public": row["is_public"],
        "description": row["description"],
        "extra_specs": visible_specs(request, row["extra_specs"]),
    }


def _made(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        **_brief(request, row),
        "os-volume-type-access:is_public": row["is_public"],
    }


def view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    """A type as the caller may see it."""
    shown = _made(request, row)
    if policy.allowed(request.context, "volume:qos_specs:list"):
        shown["qos_specs_id"] = row["qos_specs_id"]
    return shown


def _is_public(request: wsgi.Request) -> bool | None:
    text = request.query.get("is_public", "True")
    if not request.context.is_admin:
        return True
    if text.lower() == "none":
        return None
    public = strutils.bool_from_string(text, default=None)
    if public is None:
        raise exceptions.BadField(
            field="is_public", reason=f"Invalid is_public filter [{text}]: True, False or None."
        )
    return bool(public)


def _wanted_specs(request: wsgi.Request) -> dict[str, str]:
    """The filter by extra specs: clients send a dict as Python or JSON writes it."""
    text = request.query.get("extra_specs")
    if text is None or request.version < _BY_SPECS:
        return {}
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        found = None
    if not isinstance(found, dict) or not all(
        isinstance(part, str) for pair in found.items() for part in pair
    ):
        raise exceptions.BadField(
            field="extra_specs", reason="it must be an object of texts: {'key': 'value'}"
        )
    specs: dict[str, str] = found
    # what one can't see one can't ask for
    if visible_specs(request, specs) != specs:
        raise exceptions.BadField(
            field="extra_specs", reason=f"choose among {', '.join(VISIBLE_SPECS)}"
        )
    return specs


def index(request: wsgi.Request) -> dict[str, Any]:
    wanted = Listing(
        is_public=_is_public(request),
        name=request.query.get("name"),
        extra_specs=_wanted_specs(request),
        order=lists.order(request, db_types.SORT_KEYS),
        marker=request.query.get("marker"),
        offset=lists.offset(request),
        limit=paging.limit_of(request),
    )
    with engine.reader() as conn:
        page = db_types.every(conn, request.context, wanted)
    answer = {"volume_types": [view(request, row) for row in page]}
    if page and (more := paging.next_links(request, page, page[-1]["id"])):
        answer["volume_type_links"] = more
    return answer


def show(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        row = db_types.get(conn, request.context, request.args["type_id"])
    return {"volume_type": view(request, row)}


def show_default(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        row = types.default(conn, request.context)
    return {"volume_type": view(request, row)}


def create(request: wsgi.Request) -> dict[str, Any]:
    wanted = request.json_body["volume_type"]
    row = types.create(
        {
            "name": wanted["name"],
            "description": wanted.get("description"),
            "is_public": fields.truth(wanted.get("os-volume-type-access:is_public", True)),
            "extra_specs": wanted.get("extra_specs", {}),
        }
    )
    return {"volume_type": _made(request, row)}


def update(request: wsgi.Request) -> dict[str, Any]:
    wanted = request.json_body["volume_type"]
    changes = {name: value for name, value in wanted.items() if value is not None}
    if not changes:
        raise exceptions.Invalid(
            "Specify volume type name, description, is_public or a combination thereof."
        )
    if "is_public" in changes:
        changes["is_public"] = fields.truth(changes["is_public"])
    row = types.update(request.context, request.args["type_id"], changes)
    return {"volume_type": _brief(request, row)}


def delete(request: wsgi.Request) -> None:
    types.delete(request.context, request.args["type_id"])


ROWS = [
    Route("GET", "/types", index, "volume:types:list", query=_LIST_QUERY),
    Route("POST", "/types", create, "volume:types:create", body=_CREATE_BODY, query=NO_QUERY),
    Route("GET", "/types/default", show_default, "volume:types:show", query=NO_QUERY),
    Route("GET", "/types/{type_id}", show, "volume:types:show", query=NO_QUERY),
    Route(
        "PUT",
        "/types/{type_id}",
        update,
        "volume:types:update",
        body=_UPDATE_BODY,
        query=NO_QUERY,
    ),
    Route(
        "DELETE", "/types/{type_id}", delete, "volume:types:delete", query=NO_QUERY, status=202
    ),
]
