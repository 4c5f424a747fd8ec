"""The identity API, keystone v3: one module per resource, each with a list ROWS."""

from mycloud.api import discovery
from mycloud.api.identity import auth, domains, projects
from mycloud.api.routing import Route

MODULES: tuple[object, ...] = (auth, domains, projects)


def rows() -> list[Route]:
    """All rows of the API."""
    found = [discovery.IDENTITY_SHOW]
    for module in MODULES:
        found += module.ROWS  # type: ignore[attr-defined]
    return found
