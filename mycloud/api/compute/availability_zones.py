"""Availability zones: the names that compute services give for where they are."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.compute import programs
from mycloud.api.routing import NO_QUERY, Route
from mycloud.common import clock
from mycloud.compute.requests import services
from mycloud.db import engine
from mycloud.db import services as db_services
from mycloud.db.services import Row

Zones = dict[str, list[Row]]


def _zones() -> Zones:
    """zone -> its services."""
    found: Zones = {}
    with engine.reader() as conn:
        for row in programs.of_compute(db_services.every(conn)):
            found.setdefault(services.zone_of(row), []).append(row)
    return found


def _available(rows: list[Row]) -> bool:
    return any(not row["disabled"] for row in rows)


def index(request: wsgi.Request) -> dict[str, Any]:
    zones = _zones()
    return {
        "availabilityZoneInfo": [
            {
                "zoneName": name,
                "zoneState": {"available": _available(zones[name])},
                "hosts": None,
            }
            for name in sorted(zones)
            if name != services.INTERNAL_ZONE
        ]
    }


def detail(request: wsgi.Request) -> dict[str, Any]:
    zones = _zones()
    return {
        "availabilityZoneInfo": [
            {
                "zoneName": name,
                "zoneState": {"available": _available(zones[name])},
                "hosts": _hosts(zones[name]),
            }
            for name in sorted(zones)
        ]
    }


def _hosts(rows: list[Row]) -> dict[str, Any]:
    now = clock.now()
    found: dict[str, Any] = {}
    for row in rows:
        seen = row["last_seen_at"]
        found.setdefault(row["host"], {})[programs.shown(row["binary"])] = {
            "active": not row["disabled"],
            "available": services.is_up(row, now),
            "updated_at": None if seen is None else seen.isoformat(timespec="microseconds"),
        }
    return found


ROWS = [
    Route(
        "GET",
        "/os-availability-zone",
        index,
        "compute:availability_zones:list",
        query=NO_QUERY,
    ),
    Route(
        "GET",
        "/os-availability-zone/detail",
        detail,
        "compute:availability_zones:detail",
        query=NO_QUERY,
    ),
]
