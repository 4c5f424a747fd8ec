"""Machines that have joined the cloud. They have no identity: what they ask for they sign."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.cloud.node_tokens import refusals
from mycloud.api.cloud.operations import time_of
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.compute.requests.nodes import members


def _said(action: str, **more: Any) -> dict[str, Any]:
    """The schema of something signed."""
    properties = {
        "action": {"enum": [action]},
        "token_id": {"type": "string", "format": "uuid", "maxLength": 36},
        "time": {"type": "string", "minLength": 1, "maxLength": 40},
        **more,
    }
    return {
        "type": "object",
        "properties": {
            "said": {
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            },
            "signature": {"type": "string", "minLength": 1, "maxLength": 2048},
        },
        "required": ["said", "signature"],
        "additionalProperties": False,
    }


_STATUS = _said("status")
_LEAVE = _said("leave", force={"type": "boolean"})


def list_nodes(request: wsgi.Request) -> Any:
    return {
        "nodes": [
            {
                "name": row["name"],
                "addresses": row["addresses"],
                "joined_at": time_of(row["created_at"]),
                "left_at": time_of(row["left_at"]),
            }
            for row in members.every()
        ]
    }


def delete(request: wsgi.Request) -> Any:
    members.forget(request.args["name"])


def status(request: wsgi.Request) -> Any:
    body = request.json_body
    with refusals.counted(request.remote_addr or ""):
        return {"node": members.status(request.args["name"], body["said"], body["signature"])}


def leave(request: wsgi.Request) -> Any:
    body = request.json_body
    with refusals.counted(request.remote_addr or ""):
        members.leave(
            request.args["name"], body["said"], body["signature"], force=body["said"]["force"]
        )


ROWS = [
    Route("GET", "/nodes", list_nodes, "cloud:nodes:list", query=ANY_QUERY),
    Route("DELETE", "/nodes/{name}", delete, "cloud:nodes:delete", query=ANY_QUERY, status=204),
    Route(
        "POST", "/nodes/{name}/status", status, anonymous=True, body=_STATUS, query=ANY_QUERY
    ),
    Route(
        "POST", "/nodes/{name}/leave", leave, anonymous=True, body=_LEAVE, query=ANY_QUERY,
        status=204,
    ),
]
