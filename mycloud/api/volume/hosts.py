"""Hosts: the services of block storage and what projects have there."""

import dataclasses
from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.volume import programs
from mycloud.common import clock, exceptions
from mycloud.db import engine, volume_hosts
from mycloud.db.services import Row
from mycloud.db.volume_hosts import Share
from mycloud.volume.requests import services

_LIST_QUERY = {
    "type": "object",
    "properties": {"zone": {"type": "string", "maxLength": 255}},
    "additionalProperties": True,
}
_TOTAL = "(total)"


def _view(row: Row) -> dict[str, Any]:
    seen = row["last_seen_at"]
    return {
        "host_name": row["host"],
        "service": programs.shown(row["binary"]),
        "zone": services.zone_of(row),
        "service-status": "available" if services.is_up(row, clock.now()) else "unavailable",
        "service-state": "disabled" if row["disabled"] else "enabled",
        "last-update": None if seen is None else seen.isoformat(timespec="microseconds"),
    }


def index(request: wsgi.Request) -> dict[str, Any]:
    zone = request.query.get("zone")
    found = [_view(row) for row in services.listed(programs.SHOWN)]
    return {"hosts": [each for each in found if zone is None or each["zone"] == zone]}


def _resource(host: str, project: str, share: Share) -> dict[str, Any]:
    return {
        "resource": {
            "host": host,
            "project": project,
            # texts, as block storage has them
            "volume_count": str(share.volumes),
            "total_volume_gb": str(share.volumes_gb),
            "snapshot_count": str(share.snapshots),
            "total_snapshot_gb": str(share.snapshots_gb),
        }
    }


def _sum(shares: list[Share]) -> Share:
    names = [field.name for field in dataclasses.fields(Share)]
    return Share(**{name: sum(getattr(share, name) for share in shares) for name in names})


def show(request: wsgi.Request) -> dict[str, Any]:
    host = request.args["host"]
    if all(row["host"] != host for row in services.listed(programs.SHOWN)):
        raise exceptions.NotFound(f"Host {host} could not be found.")
    with engine.reader() as conn:
        shares = volume_hosts.shares(conn, host)
    total = _resource(host, _TOTAL, _sum(list(shares.values())))
    return {"host": [total, *(_resource(host, *each) for each in shares.items())]}


ROWS = [
    Route("GET", "/os-hosts", index, "volume:hosts:list", query=_LIST_QUERY),
    Route("GET", "/os-hosts/{host}", show, "volume:hosts:show", query=NO_QUERY),
]
