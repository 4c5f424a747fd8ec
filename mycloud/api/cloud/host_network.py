"""The networks of a compute host, as a document."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.compute.requests import host_network, hosts
from mycloud.journal import requests as operations

_BODY = {
    "type": "object",
    "properties": {
        # its form is checked by the host, which knows what it has
        "network": {"type": "object"},
        "dry_run": {"type": "boolean"},
        "timeout": {"type": "number", "minimum": 1, "maximum": 3600},
    },
    "required": ["network"],
    "additionalProperties": False,
}


def show(request: wsgi.Request) -> Any:
    host = hosts.find(request.args["host"])
    return {"network": {"host": host["host"], **host_network.show(request.context, host)}}


def apply(request: wsgi.Request) -> Any:
    host, body = hosts.find(request.args["host"]), request.json_body
    plan = host_network.plan(request.context, host, body["network"])
    if body.get("dry_run", False):
        return {"plan": plan}
    operation_id = host_network.apply(
        request.context, host, body["network"], timeout=body.get("timeout"),
        key=request.idempotency_key,
    )
    request.note_operation(operation_id)
    row, _ = operations.get(request.context, operation_id)
    told = {name: row[name] for name in ("id", "kind", "state")}
    return wsgi.json_response({"plan": plan, "operation": told}, 202)


ROWS = [
    Route("GET", "/hosts/{host}/network", show, "cloud:host_network:show", query=ANY_QUERY),
    Route(
        "PUT", "/hosts/{host}/network", apply, "cloud:host_network:apply", body=_BODY,
        query=ANY_QUERY,
    ),
]
