"""The compute API, nova v2.1: one module per resource, each with a list ROWS."""

from mycloud.api import discovery
from mycloud.api.compute import (
    aggregates,
    availability_zones,
    extensions,
    flavor_access,
    flavor_extra_specs,
    flavors,
    hypervisors,
    image_metadata,
    images,
    instance_actions,
    keypairs,
    limits,
    quota_classes,
    quotas,
    server_addresses,
    server_diagnostics,
    server_groups,
    server_metadata,
    server_tags,
    servers,
    services,
    snapshots,
    usage,
    volume_attachments,
    volumes,
)
from mycloud.api.routing import Route

MODULES: tuple[object, ...] = (
    aggregates,
    availability_zones,
    extensions,
    flavor_access,
    flavor_extra_specs,
    flavors,
    hypervisors,
    image_metadata,
    images,
    instance_actions,
    keypairs,
    limits,
    quota_classes,
    quotas,
    server_addresses,
    server_diagnostics,
    server_groups,
    server_metadata,
    server_tags,
    servers,
    services,
    snapshots,
    usage,
    volume_attachments,
    volumes,
)


def rows() -> list[Route]:
    """All rows of the API."""
    found = [discovery.COMPUTE_SHOW]
    for module in MODULES:
        found += module.ROWS  # type: ignore[attr-defined]
    return found
