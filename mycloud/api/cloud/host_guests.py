"""What a compute host really has, asked of the host itself: for doctors and auditors."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.compute.requests import host_guests


def list_guests(request: wsgi.Request) -> Any:
    found = host_guests.on_host(request.context, request.args["host"])
    # hosts of an earlier version do not tell
    volumes = found.get("volumes", {})
    return {
        "guests": [
            {
                "server_id": server_id,
                "power_state": power_state,
                "volumes": [
                    {"volume_id": volume_id, **state}
                    for volume_id, state in sorted(volumes.get(server_id, {}).items())
                ],
            }
            for server_id, power_state in sorted(found["guests"].items())
        ],
        "leftovers": sorted(found["leftovers"]),
    }


ROWS = [
    Route("GET", "/hosts/{host}/guests", list_guests, "cloud:host_guests:list", query=ANY_QUERY)
]
