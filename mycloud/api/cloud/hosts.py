"""Compute hosts: what the database knows of them, and what they tell of themselves."""

from collections.abc import Mapping
from typing import Any

import webob

from mycloud.api import paging, wsgi
from mycloud.api.cloud.operations import time_of
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.compute.requests import host_bundle, hosts

_LIST_QUERY = {
    "type": "object",
    "properties": {"limit": paging.LIMIT, "marker": paging.MARKER},
    "additionalProperties": False,
}
#: The name in the answer -> the column.
_COLUMNS = {
    "id": "id",
    "name": "host",
    "hypervisor_hostname": "hypervisor_hostname",
    "hypervisor_type": "hypervisor_type",
    "hypervisor_version": "hypervisor_version",
    "address": "host_ip",
    "disabled_reason": "service_disabled_reason",
    "vcpus": "vcpus",
    "vcpus_used": "vcpus_used",
    "memory_mb": "memory_mb",
    "memory_mb_used": "memory_mb_used",
    "disk_gb": "disk_gb",
    "disk_gb_used": "disk_gb_used",
    "servers": "running_vms",
}


def _view(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: row[column] for name, column in _COLUMNS.items()},
        "state": "up" if hosts.is_up(row) else "down",
        "status": "disabled" if row["service_disabled"] else "enabled",
        "last_seen_at": time_of(row["service_last_seen_at"]),
        "agent_url": (row["capabilities"] or {}).get("agent_url"),
    }


def list_hosts(request: wsgi.Request) -> Any:
    limit = paging.limit_of(request)
    # one more, to know whether there is a next page
    rows = hosts.every(marker=request.query.get("marker"), limit=limit + 1 if limit else 0)
    answer: dict[str, Any] = {"hosts": [_view(row) for row in rows[:limit]]}
    if len(rows) > limit > 0:
        answer["links"] = paging.next_links(request, rows[:limit], rows[limit - 1]["id"])
    return answer


def show(request: wsgi.Request) -> Any:
    row = hosts.find(request.args["host"])
    told = hosts.details(request.context, row)
    return {
        "host": {
            **_view(row),
            "answers": told.reason is None,
            "reason": told.reason,
            **told.parts,
            "errors": told.errors,
        }
    }


def stats(request: wsgi.Request) -> Any:
    row = hosts.find(request.args["host"])
    return {"stats": hosts.statistics(request.context, row)}


def logs(request: wsgi.Request) -> webob.Response:
    bundle = host_bundle.Bundle(request.context, hosts.find(request.args["host"]))
    response = webob.Response(content_type="application/gzip", app_iter=iter(bundle))
    response.charset = None
    response.content_length = None
    response.content_disposition = f'attachment; filename="{bundle.name}.tar.gz"'
    return response


ROWS = [
    Route("GET", "/hosts", list_hosts, "cloud:hosts:list", query=_LIST_QUERY),
    Route("GET", "/hosts/{host}", show, "cloud:hosts:show", query=ANY_QUERY),
    Route("GET", "/hosts/{host}/stats", stats, "cloud:hosts:stats", query=ANY_QUERY),
    Route("GET", "/hosts/{host}/logs", logs, "cloud:hosts:logs", query=ANY_QUERY),
]
