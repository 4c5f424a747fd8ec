"""The block storage API, cinder v3: one module per resource, each with a list ROWS."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from mycloud.api import discovery, faults, wsgi
from mycloud.api.routing import Route, Router
from mycloud.api.volume import (
    attachments,
    availability_zones,
    backups,
    default_types,
    extensions,
    hosts,
    limits,
    manageable,
    messages,
    metadata,
    pools,
    qos_specs,
    quota_classes,
    quotas,
    resource_filters,
    service_logs,
    services,
    snapshots,
    transfers,
    type_access,
    type_encryption,
    type_extra_specs,
    types,
    volume_encryption,
    volumes,
    workers,
)
from mycloud.common import exceptions

MODULES: tuple[object, ...] = (
    attachments,
    availability_zones,
    backups,
    default_types,
    extensions,
    hosts,
    limits,
    manageable,
    messages,
    metadata,
    pools,
    qos_specs,
    quota_classes,
    quotas,
    resource_filters,
    service_logs,
    services,
    snapshots,
    transfers,
    type_access,
    type_encryption,
    type_extra_specs,
    types,
    volume_encryption,
    volumes,
    workers,
)

_PROJECT = re.compile("[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def rows() -> list[Route]:
    """All rows of the API."""
    found = [discovery.VOLUME_SHOW]
    for module in MODULES:
        found += module.ROWS  # type: ignore[attr-defined]
    return found


class ProjectInPath:
    """Takes the caller's project id off the front of a path, where it is optional.

    It goes to the part of the path before the application, so that links carry it too.
    """

    def __init__(self, router: Router):
        self._router = router

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        _, _, path = environ.get("PATH_INFO", "").partition("/")
        first, slash, rest = path.partition("/")
        if slash and _PROJECT.fullmatch(first):
            context = environ.get(wsgi.CONTEXT_KEY)
            if context is not None and context.project_id != first:
                error = exceptions.Invalid(
                    f"Malformed request url: the token is not of project {first}."
                )
                response = faults.response(error, self._router.style)
                return response(environ, start_response)
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/{first}"
            environ["PATH_INFO"] = f"/{rest}"
        answer: Iterable[bytes] = self._router(environ, start_response)
        return answer
