"""What a storage backend really has, asked of its service: for doctors and auditors."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.volume.requests import backend_contents


def show(request: wsgi.Request) -> Any:
    found = backend_contents.of(request.context, request.args["host"])
    return {
        "volumes": sorted(found["volumes"]),
        "snapshots": sorted(found["snapshots"]),
        "exports": [
            {"attachment_id": key, "serves": serves}
            for key, serves in sorted(found["exports"].items())
        ],
    }


ROWS = [
    Route(
        "GET", "/backends/{host}/contents", show, "cloud:backend_contents:show",
        query=ANY_QUERY,
    )
]
