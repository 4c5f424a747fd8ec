"""What a pool must have for a volume: each filter refuses, and says why to who asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mycloud.scheduler.filters import operators
from mycloud.scheduler.volumes.pool_state import PoolState, Request

#: Extra specs that no capability answers.
_NOT_CAPABILITIES = frozenset({"provisioning:type", "multiattach", "replication_enabled"})
_PREFIX = "capabilities:"


@dataclass(frozen=True)
class PoolFilter:
    """``refuses`` looks at a pool and a request and at nothing else."""

    label: str
    refuses: Callable[[PoolState, Request], bool]
    #: what the closest pool lacks, and what to do
    remedy: Callable[[PoolState, Request], str]


def _out_of_service(pool: PoolState, request: Request) -> bool:
    return pool.out_of_service is not None


def _elsewhere(pool: PoolState, request: Request) -> bool:
    wanted = request.place
    if wanted is not None and wanted not in (pool.place, pool.host):
        return True
    return request.not_place is not None and request.not_place in (pool.place, pool.host)


def _other_zone(pool: PoolState, request: Request) -> bool:
    return request.availability_zone not in (None, pool.availability_zone)


def unmet(pool: PoolState, request: Request) -> list[str]:
    """The extra specs that the pool does not fulfil."""
    found = []
    for key, wanted in sorted(request.extra_specs.items()):
        name = key.removeprefix(_PREFIX)
        if name in _NOT_CAPABILITIES or ":" in name:
            continue
        have = _deep(pool.capabilities, name)
        if have is None or not operators.matches(have, wanted):
            found.append(f"{key}={wanted}")
    return found


def _deep(capabilities: dict[str, Any], name: str) -> Any:
    value: Any = capabilities
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def lacks(pool: PoolState, request: Request) -> bool:
    """Whether the pool can't do what the volume's type asks for."""
    if request.multiattach and not pool.capabilities.get("multiattach"):
        return True
    return bool(unmet(pool, request))


def _no_room(pool: PoolState, request: Request) -> bool:
    return request.size_gb > pool.room_gb(thin=request.thin)


def _not_where_hinted(pool: PoolState, request: Request) -> bool:
    same = [request.hinted.get(each) for each in ids(request.hints.get("same_host"))]
    other = [request.hinted.get(each) for each in ids(request.hints.get("different_host"))]
    if request.near_host is not None and pool.host.partition("@")[0] != request.near_host:
        return True
    return (bool(same) and pool.host not in _services(same)) or pool.host in _services(other)


def _services(places: Sequence[str | None]) -> set[str]:
    return {place.partition("#")[0] for place in places if place}


def ids(given: Any) -> list[str]:
    """The ids of a hint that takes one or a list of them."""
    found = given if isinstance(given, list) else [given]
    return [item for item in found if isinstance(item, str)]


FILTERS = (
    PoolFilter(
        "out of service", _out_of_service,
        lambda pool, request: "is out of service: an administrator sees why in the list of "
        "volume services",
    ),
    PoolFilter(
        "place", _elsewhere,
        lambda pool, request: "is not where the volume has to be, beside what it is made from",
    ),
    PoolFilter(
        "availability zone", _other_zone,
        lambda pool, request: f"is in the availability zone {pool.availability_zone}: ask for "
        "that one, or for none",
    ),
    PoolFilter(
        "capabilities", lacks,
        lambda pool, request: "does not have what the volume type asks for "
        f"({', '.join(unmet(pool, request)) or 'multiattach'}): choose another type",
    ),
    PoolFilter(
        "hints", _not_where_hinted,
        lambda pool, request: "is not where the scheduler hints want it: leave them out",
    ),
    PoolFilter(
        "capacity", _no_room,
        lambda pool, request: f"has {max(0, int(pool.room_gb(thin=request.thin)))} GiB left: ask "
        "for at most that, or delete volumes",
    ),
)


def explain(pools: Sequence[PoolState], request: Request) -> str:
    """Why none of the pools fits, and the smallest change that would let one; names no host."""
    if not pools:
        return "There is no storage backend yet."
    refused = [
        (pool, [each for each in FILTERS if each.refuses(pool, request)]) for pool in pools
    ]
    counts = [
        f"{each.label} refuses {number}"
        for each in FILTERS
        if (number := sum(each in reasons for _, reasons in refused))
    ]
    closest, reasons = min(refused, key=lambda pair: len(pair[1]))
    remedies = "; it ".join(each.remedy(closest, request) for each in reasons)
    total = f"{len(pools)} pools" if len(pools) > 1 else "1 pool"
    return f"Of {total}, {', '.join(counts)}. The closest one {remedies}."
