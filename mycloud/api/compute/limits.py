"""Limits: what a project may have, and what it has."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import Route
from mycloud.api.versions import Version
from mycloud.common import policy
from mycloud.compute.requests import quotas
from mycloud.db import engine

_QUERY = {
    "type": "object",
    "properties": {
        "tenant_id": {"type": "string", "minLength": 1, "maxLength": 64},
        "reserved": {"type": "string", "maxLength": 16},
    },
    "additionalProperties": True,
}

#: The name in the answer -> the resource.
_LIMITS = {
    "maxTotalInstances": "instances",
    "maxTotalCores": "cores",
    "maxTotalRAMSize": "ram",
    "maxTotalKeypairs": "key_pairs",
    "maxServerMeta": "metadata_items",
    "maxServerGroups": "server_groups",
    "maxServerGroupMembers": "server_group_members",
}
_USED = {
    "totalInstancesUsed": "instances",
    "totalCoresUsed": "cores",
    "totalRAMUsed": "ram",
    "totalServerGroupsUsed": "server_groups",
}
#: Gone from a version on: the same for what the network service has taken over ...
_NETWORK_LIMITS = {
    "maxTotalFloatingIps": "floating_ips",
    "maxSecurityGroups": "security_groups",
    "maxSecurityGroupRules": "security_group_rules",
}
_NETWORK_USED = {
    "totalFloatingIpsUsed": "floating_ips",
    "totalSecurityGroupsUsed": "security_groups",
}
#: ... the image service ...
_IMAGE_LIMITS = {"maxImageMeta": "metadata_items"}
#: ... and user data.
_FILE_LIMITS = {
    "maxPersonality": "injected_files",
    "maxPersonalitySize": "injected_file_content_bytes",
}


def _shown(version: Version) -> tuple[dict[str, str], dict[str, str]]:
    limits, used = dict(_LIMITS), dict(_USED)
    if version < Version(2, 36):
        limits |= _NETWORK_LIMITS
        used |= _NETWORK_USED
    if version < Version(2, 39):
        limits |= _IMAGE_LIMITS
    if version < Version(2, 57):
        limits |= _FILE_LIMITS
    return limits, used


def show(request: wsgi.Request) -> dict[str, Any]:
    project_id = request.query.get("tenant_id", request.context.project_id)
    if project_id != request.context.project_id:
        policy.enforce(request.context, "compute:limits:other_projects")
    with engine.reader() as conn:
        limits = quotas.limits(conn, project_id)
        usage = quotas.usage(conn, project_id)
    limit_names, used_names = _shown(request.version)
    absolute = {name: limits[resource] for name, resource in limit_names.items()}
    absolute |= {name: usage[resource] for name, resource in used_names.items()}
    return {"limits": {"rate": [], "absolute": absolute}}


ROWS = [Route("GET", "/limits", show, "compute:limits:show", query=_QUERY)]
