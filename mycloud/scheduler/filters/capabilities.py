"""Refuse hosts that do not have what a flavor's extra specs ask for.

A host has what its hypervisor says of it, and what the aggregates say that it is in.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mycloud.scheduler.filters import operators
from mycloud.scheduler.filters.base import Filter
from mycloud.scheduler.host_state import HostState, Request

SCOPE = "capabilities"
AGGREGATES = "aggregate_instance_extra_specs"


def asks_for_aggregates(extra_specs: Mapping[str, str]) -> bool:
    """Whether a host's aggregates may decide: HostState.aggregates must be filled then."""
    return any(":" not in key or key.startswith(f"{AGGREGATES}:") for key in extra_specs)


class CapabilitiesFilter(Filter):
    """``capabilities:a:b`` names what the host says of itself,
    ``aggregate_instance_extra_specs:a`` what its aggregates say, a key without a scope either.

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
        if not colon:
            have = [_look_up(host.capabilities, key), *host.aggregates.get(key, ())]
        elif scope == SCOPE:
            have = [_look_up(host.capabilities, path)]
        elif scope == AGGREGATES:
            have = [*host.aggregates.get(path, ())]
        else:
            continue
        if not any(each is not None and operators.matches(each, str(wanted)) for each in have):
            yield key, wanted


def _look_up(found: Any, path: str) -> Any:
    for name in path.split(":"):
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return found
