"""Refuse hosts that do not have what a flavor's extra specs ask for."""

from collections.abc import Iterator
from typing import Any

from mycloud.scheduler.filters import operators
from mycloud.scheduler.filters.base import Filter
from mycloud.scheduler.host_state import HostState, Request

SCOPE = "capabilities"


class CapabilitiesFilter(Filter):
    """``capabilities:a:b`` and keys without a scope name what the host says of itself.

    Other scopes (``hw:``, ``trait:``, ``quota:`` ...) are meant for others and refuse nothing.
    """

    label = "capabilities"
    effort = 10

    def refuses(self, host: HostState, request: Request) -> bool:
        return any(True for _ in _missing(host, request))

    def remedy(self, host: HostState, request: Request) -> str:
        missing = ", ".join(f"{key} {value}" for key, value in _missing(host, request))
        return f"does not offer {missing}: choose a flavor that does not ask for it"


def _missing(host: HostState, request: Request) -> Iterator[tuple[str, str]]:
    for key, wanted in request.extra_specs.items():
        scope, colon, path = key.partition(":")
        if colon and scope != SCOPE:
            continue
        have = _look_up(host.capabilities, path if colon else key)
        if have is None or not operators.matches(have, str(wanted)):
            yield key, wanted


def _look_up(found: Any, path: str) -> Any:
    for name in path.split(":"):
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return found
