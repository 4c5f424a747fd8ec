"""The API of what OpenStack does not have: one module per resource, each with a list ROWS."""

from mycloud.api.cloud import (
    backend_contents,
    backends,
    host_guests,
    host_network,
    hosts,
    node_tokens,
    nodes,
    operations,
    why,
)
from mycloud.api.routing import Route

MODULES: tuple[object, ...] = (
    backend_contents, backends, host_guests, host_network, hosts, node_tokens, nodes, operations,
    why,
)


def rows() -> list[Route]:
    """All rows of the API."""
    found: list[Route] = []
    for module in MODULES:
        found += module.ROWS  # type: ignore[attr-defined]
    return found
