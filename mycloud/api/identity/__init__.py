"""The identity API, keystone v3: one module per resource, each with a list ROWS."""

from mycloud.api import discovery
from mycloud.api.identity import (
    application_credentials,
    auth,
    credentials,
    domains,
    endpoints,
    grants,
    groups,
    project_tags,
    projects,
    regions,
    role_assignments,
    roles,
    services,
    users,
)
from mycloud.api.routing import Route

MODULES: tuple[object, ...] = (
    application_credentials,
    auth,
    credentials,
    domains,
    endpoints,
    grants,
    groups,
    project_tags,
    projects,
    regions,
    role_assignments,
    roles,
    services,
    users,
)


def rows() -> list[Route]:
    """All rows of the API."""
    found = [discovery.IDENTITY_SHOW]
    for module in MODULES:
        found += module.ROWS  # type: ignore[attr-defined]
    return found
