"""QoS specs: bounds of the speed of volumes, for volume types to share."""

from typing import Any

from mycloud.api import paging, wsgi
from mycloud.api.compute import links
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.volume import fields, lists
from mycloud.db import engine
from mycloud.db import qos_specs as db_qos_specs
from mycloud.db.qos_specs import Row
from mycloud.volume import qos
from mycloud.volume.requests import qos_specs

_CONSUMER = {"enum": list(qos.CONSUMERS)}
_CREATE_BODY = fields.wrapped(
    "qos_specs",
    {
        **fields.SPECS,
        "properties": {"name": fields.NAME, "consumer": _CONSUMER},
        "required": ["name"],
    },
)
_UPDATE_BODY = fields.wrapped(
    "qos_specs", {**fields.SPECS, "properties": {"consumer": _CONSUMER}, "minProperties": 1}
)
_KEYS_BODY = fields.wrapped(
    "keys",
    {
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": 255},
        "minItems": 1,
        "maxItems": 255,
        "uniqueItems": True,
    },
)
_LIST_QUERY = lists.query()
_DELETE_QUERY = {
    "type": "object",
    "properties": {"force": fields.FLAG},
    "additionalProperties": True,
}
_TYPE_QUERY = {
    "type": "object",
    "properties": {"vol_type_id": {"type": "string", "minLength": 1, "maxLength": 64}},
    "required": ["vol_type_id"],
    "additionalProperties": True,
}


def _view(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "name", "consumer", "specs")}


def _detail(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {"qos_specs": _view(row), "links": links.of(request, "qos-specs", row["id"])}


def index(request: wsgi.Request) -> dict[str, Any]:
    order = lists.order(request, db_qos_specs.SORT_KEYS)
    marker = request.query.get("marker")
    with engine.reader() as conn:
        page = db_qos_specs.every(
            conn, order, marker=marker, limit=paging.limit_of(request)
        )
    answer: dict[str, Any] = {"qos_specs": [_view(row) for row in page]}
    if page and (more := paging.next_links(request, page, page[-1]["id"])):
        answer["qos_specs_links"] = more
    return answer


def show(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        row = db_qos_specs.get(conn, request.args["specs_id"])
    return _detail(request, row)


def create(request: wsgi.Request) -> dict[str, Any]:
    specs = dict(request.json_body["qos_specs"])
    values = {"name": specs.pop("name"), "consumer": specs.pop("consumer", "back-end")}
    return _detail(request, qos_specs.create({**values, "specs": specs}))


def update(request: wsgi.Request) -> dict[str, Any]:
    wanted = request.json_body["qos_specs"]
    items = dict(wanted)
    consumer = items.pop("consumer", None)
    qos_specs.update(request.args["specs_id"], items, consumer=consumer)
    return {"qos_specs": wanted}


def delete_keys(request: wsgi.Request) -> None:
    qos_specs.delete_keys(request.args["specs_id"], request.json_body["keys"])


def delete(request: wsgi.Request) -> None:
    force = fields.flag(request, "force", default=False)
    qos_specs.delete(request.args["specs_id"], force=force)


def associations(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        row = db_qos_specs.get(conn, request.args["specs_id"])
        types = db_qos_specs.types_of(conn, row["id"])
    return {
        "qos_associations": [
            {"association_type": "volume_type", "id": type_id, "name": name}
            for type_id, name in types.items()
        ]
    }


def associate(request: wsgi.Request) -> None:
    qos_specs.associate(
        request.context, request.args["specs_id"], request.query["vol_type_id"]
    )


def disassociate(request: wsgi.Request) -> None:
    qos_specs.disassociate(
        request.context, request.args["specs_id"], request.query["vol_type_id"]
    )


def disassociate_all(request: wsgi.Request) -> None:
    qos_specs.disassociate_all(request.args["specs_id"])


_ONE = "/qos-specs/{specs_id}"


def _switch(name: str, handler: Any, query: dict[str, Any]) -> Route:
    """A change by GET, as block storage has it."""
    return Route(
        "GET", f"{_ONE}/{name}", handler, "volume:qos_specs:associate", query=query, status=202
    )


ROWS = [
    Route("GET", "/qos-specs", index, "volume:qos_specs:list", query=_LIST_QUERY),
    Route(
        "POST",
        "/qos-specs",
        create,
        "volume:qos_specs:create",
        body=_CREATE_BODY,
        query=NO_QUERY,
    ),
    Route("GET", _ONE, show, "volume:qos_specs:show", query=NO_QUERY),
    Route("PUT", _ONE, update, "volume:qos_specs:update", body=_UPDATE_BODY, query=NO_QUERY),
    Route("DELETE", _ONE, delete, "volume:qos_specs:delete", query=_DELETE_QUERY, status=202),
    Route(
        "PUT",
        f"{_ONE}/delete_keys",
        delete_keys,
        "volume:qos_specs:update",
        body=_KEYS_BODY,
        query=NO_QUERY,
        status=202,
    ),
    Route(
        "GET", f"{_ONE}/associations", associations, "volume:qos_specs:show", query=NO_QUERY
    ),
    _switch("associate", associate, _TYPE_QUERY),
    _switch("disassociate", disassociate, _TYPE_QUERY),
    _switch("disassociate_all", disassociate_all, NO_QUERY),
]
