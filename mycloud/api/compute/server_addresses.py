"""A server's addresses. There is no network service: a server has none."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.common import exceptions
from mycloud.compute.requests import listing


def list_addresses(request: wsgi.Request) -> Any:
    listing.get(request.context, request.args["server_id"])
    return {"addresses": {}}


def show(request: wsgi.Request) -> Any:
    server = listing.get(request.context, request.args["server_id"])
    raise exceptions.ServerAddressesNotFound(
        server_id=server["id"], label=request.args["label"]
    )


ROWS = [
    Route(
        "GET",
        "/servers/{server_id}/ips",
        list_addresses,
        "compute:server_addresses:list",
        query=ANY_QUERY,
    ),
    Route(
        "GET",
        "/servers/{server_id}/ips/{label}",
        show,
        "compute:server_addresses:show",
        query=ANY_QUERY,
    ),
]
