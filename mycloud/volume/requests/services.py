"""Volume services as operators and users see them."""

import datetime
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from mycloud.common import clock
from mycloud.db import engine, services

Row = Mapping[str, Any]

BINARY = "mycloud-volume"


def is_up(row: Row, now: datetime.datetime) -> bool:
    """Whether a service has shown a sign of life lately and nobody has declared it down."""
    seen = row["last_seen_at"]
    if row["forced_down"] or seen is None:
        return False
    return bool((now - seen).total_seconds() <= cfg.CONF.service_down_time)


def zones() -> list[tuple[str, bool]]:
    """Availability zones of volumes, and whether one of their services can be used."""
    with engine.reader() as conn:
        rows = services.every(conn, binary=BINARY)
    now = clock.now()
    found: dict[str, bool] = {}
    for row in rows:
        zone = row["availability_zone"] or cfg.CONF.default_availability_zone
        found[zone] = found.get(zone, False) or (is_up(row, now) and not row["disabled"])
    return sorted(found.items()) or [(cfg.CONF.default_availability_zone, False)]
