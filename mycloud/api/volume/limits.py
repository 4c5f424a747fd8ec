"""Limits: what volumes, snapshots and backups a project may have, and what it has."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import Route
from mycloud.api.versions import Version
from mycloud.common import policy
from mycloud.db import engine
from mycloud.volume.requests import quotas

_QUERY = {
    "type": "object",
    "properties": {"project_id": {"type": "string", "minLength": 1, "maxLength": 64}},
    "additionalProperties": True,
}
_OTHER_PROJECTS = Version(3, 39)

#: The name in the answer -> the resource.
_LIMITS = {
    "maxTotalVolumes": "volumes",
    "maxTotalSnapshots": "snapshots",
    "maxTotalVolumeGigabytes": "gigabytes",
    "maxTotalBackups": "backups",
    "maxTotalBackupGigabytes": "backup_gigabytes",
}
_USED = {
    "totalVolumesUsed": "volumes",
    "totalSnapshotsUsed": "snapshots",
    "totalGigabytesUsed": "gigabytes",
    "totalBackupsUsed": "backups",
    "totalBackupGigabytesUsed": "backup_gigabytes",
}


def show(request: wsgi.Request) -> dict[str, Any]:
    project_id = request.context.project_id
    if request.version >= _OTHER_PROJECTS:
        project_id = request.query.get("project_id", project_id)
    if project_id != request.context.project_id:
        policy.enforce(request.context, "volume:limits:other_projects")
    with engine.reader() as conn:
        limits = quotas.limits(conn, project_id, {})
        used = quotas.usage(conn, project_id, {})
    absolute = {name: limits[resource] for name, resource in _LIMITS.items()}
    absolute |= {name: used[resource] for name, resource in _USED.items()}
    return {"limits": {"rate": [], "absolute": absolute}}


ROWS = [Route("GET", "/limits", show, "volume:limits:show", query=_QUERY)]
