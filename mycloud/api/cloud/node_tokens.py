"""Tokens that let a machine join the cloud, and the joining itself."""

from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from mycloud.api import wsgi
from mycloud.api.cloud.operations import time_of
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.common.refusals import Refusals
from mycloud.compute.requests.nodes import join as join_requests
from mycloud.compute.requests.nodes import tokens

Row = Mapping[str, Any]

NAME = {"type": "string", "minLength": 1, "maxLength": 64}
_CREATE = {
    "type": "object",
    "properties": {
        "node_token": {
            "type": "object",
            "properties": {
                "name": {**NAME, "type": ["string", "null"]},
                "lifetime": {"type": ["integer", "null"], "minimum": 60, "maximum": 86400},
            },
            "additionalProperties": False,
        }
    },
    "required": ["node_token"],
    "additionalProperties": False,
}
_PEM = {"type": "string", "minLength": 1, "maxLength": 8192}
_JOIN = {
    "type": "object",
    "properties": {
        "node_join": {
            "type": "object",
            "properties": {
                "token_id": {"type": "string", "format": "uuid", "maxLength": 36},
                "name": NAME,
                "addresses": {
                    "type": "array",
                    "items": {"type": "string", "minLength": 1, "maxLength": 45},
                    "minItems": 1,
                    "maxItems": 16,
                    "uniqueItems": True,
                },
                "requests": {
                    "type": "object",
                    "properties": {"server": _PEM, "client": _PEM},
                    "required": ["server", "client"],
                    "additionalProperties": False,
                },
                "proof": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            },
            "required": ["token_id", "name", "addresses", "requests", "proof"],
            "additionalProperties": False,
        }
    },
    "required": ["node_join"],
    "additionalProperties": False,
}

#: Of who has no token, or is no machine of the cloud.
refusals = Refusals(lambda: int(cfg.CONF.node.refusals_per_minute))


def _view(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "status": tokens.state(row).value,
        "created_at": time_of(row["created_at"]),
        "expires_at": time_of(row["expires_at"]),
        "used_at": time_of(row["used_at"]),
        "node": row["node"],
    }


def create(request: wsgi.Request) -> Any:
    wanted = request.json_body["node_token"]
    row, text = tokens.create(wanted.get("name"), wanted.get("lifetime"), request.host_url)
    return {"node_token": {**_view(row), "token": text}}


def list_tokens(request: wsgi.Request) -> Any:
    return {"node_tokens": [_view(row) for row in tokens.every()]}


def show(request: wsgi.Request) -> Any:
    return {"node_token": _view(tokens.get(request.args["token_id"]))}


def delete(request: wsgi.Request) -> Any:
    tokens.delete(request.args["token_id"])


def join(request: wsgi.Request) -> Any:
    wanted = dict(request.json_body["node_join"])
    proof = wanted.pop("proof")
    with refusals.counted(request.remote_addr or ""):
        return {"node_join": {"sealed": join_requests.join(wanted, proof)}}


ROWS = [
    Route(
        "POST", "/node_tokens", create, "cloud:node_tokens:create", body=_CREATE,
        query=ANY_QUERY, status=201,
    ),
    Route("GET", "/node_tokens", list_tokens, "cloud:node_tokens:list", query=ANY_QUERY),
    Route("GET", "/node_tokens/{token_id}", show, "cloud:node_tokens:show", query=ANY_QUERY),
    Route(
        "DELETE", "/node_tokens/{token_id}", delete, "cloud:node_tokens:delete",
        query=ANY_QUERY, status=204,
    ),
    Route("POST", "/node_join", join, anonymous=True, body=_JOIN, query=ANY_QUERY),
]
