"""Storage backends: what block storage's own API does not have."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.volume.requests import drain as requests

_HOST = {"type": ["string", "null"], "minLength": 1, "maxLength": 255}
_DRAIN = {
    "type": "object",
    "properties": {
        "drain": {
            "type": "object",
            "properties": {
                "to": _HOST,
                "at_once": {"type": "integer", "minimum": 1, "maximum": 100},
                "skip": {
                    "type": "array",
                    "items": {"type": "string", "format": "uuid", "maxLength": 36},
                    "maxItems": 10000,
                },
            },
            "additionalProperties": False,
        }
    },
    "required": ["drain"],
    "additionalProperties": False,
}


def drain(request: wsgi.Request) -> Any:
    wanted = request.json_body["drain"]
    found = requests.drain(
        request.context, request.args["host"], to=wanted.get("to"),
        at_once=wanted.get("at_once", 1), skip=set(wanted.get("skip", ())),
    )
    return {
        "drain": {
            "moving": [
                {"volume_id": volume_id, "operation_id": operation_id}
                for volume_id, operation_id in found.moving.items()
            ],
            "waiting": found.waiting,
            "staying": [
                {"volume_id": volume_id, "reason": reason}
                for volume_id, reason in found.staying.items()
            ],
        }
    }


ROWS = [
    Route(
        "POST", "/backends/{host}/drain", drain, "cloud:backends:drain", body=_DRAIN,
        query=ANY_QUERY, status=202,
    )
]
