"""The service catalog, from its rows."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.db.identity import catalog as db
from mycloud.identity import knowledge

#: Clients reach this cloud at $(base_url)s; the others are of the token's scope.
_GAP = re.compile(r"[$%]\((\w+)\)s")


def filled(url: str, values: Mapping[str, str]) -> str | None:
    """The URL with its gaps filled; None when a value is missing."""
    missing = [name for name in _GAP.findall(url) if not values.get(name)]
    if missing:
        return None
    return _GAP.sub(lambda gap: values[gap.group(1)], url)


def shown(url: str, base_url: str) -> str:
    """The URL with only the base filled in, as administrators see it."""
    return url.replace("$(base_url)s", base_url)


def view(base_url: str, *, user_id: str, project_id: str = "") -> list[dict[str, Any]]:
    """The catalog of a token. An endpoint that needs a project isn't in one without."""
    values = {
        "base_url": base_url,
        "user_id": user_id,
        "project_id": project_id,
        "tenant_id": project_id,
    }
    found = []
    for service, endpoints in knowledge.get().of("catalog", _load):
        listed = []
        for endpoint in endpoints:
            url = filled(endpoint["url"], values)
            if url is not None:
                listed.append({**endpoint, "url": url})
        found.append({**service, "endpoints": listed})
    return found


def _load(conn: Connection) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    endpoints: dict[str, list[dict[str, Any]]] = {}
    for row in db.enabled_endpoints(conn):
        endpoints.setdefault(row["service_id"], []).append(
            {
                "id": row["id"],
                "interface": row["interface"],
                "region": row["region_id"],
                "region_id": row["region_id"],
                "url": row["url"],
            }
        )
    return [
        (
            {"id": row["id"], "type": row["type"], "name": row["name"] or ""},
            endpoints.get(row["id"], []),
        )
        for row in db.enabled_services(conn)
    ]
