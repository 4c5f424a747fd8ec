"""Availability zones of volumes."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.volume.requests import services


def index(request: wsgi.Request) -> Any:
    return {
        "availabilityZoneInfo": [
            {"zoneName": name, "zoneState": {"available": available}}
            for name, available in services.zones()
        ]
    }


ROWS = [
    Route(
        "GET", "/os-availability-zone", index, "volume:availability_zones:list", query=NO_QUERY
    ),
]
