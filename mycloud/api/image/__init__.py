"""The image API, glance v2: one module per resource, each with a list ROWS."""

from mycloud.api.image import files, images, info, members, schemas
from mycloud.api.routing import Route

MODULES: tuple[object, ...] = (images, files, members, schemas, info)


def rows() -> list[Route]:
    """All rows of the API."""
    found: list[Route] = []
    for module in MODULES:
        found += module.ROWS  # type: ignore[attr-defined]
    return found
