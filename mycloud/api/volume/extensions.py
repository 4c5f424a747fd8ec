"""The list of extensions, frozen since microversions tell what a service can do."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.common import exceptions

#: alias -> name and description; those whose routes are here.
_KNOWN = {
    "OS-SCH-HNT": ("SchedulerHints", "Hints where a volume is to lie."),
    "capabilities": ("Capabilities", "What a storage backend can do."),
    "encryption": ("VolumeTypeEncryption", "How volumes of a type are encrypted."),
    "os-availability-zone": ("AvailabilityZones", "The availability zones of volumes."),
    "os-extended-services": ("ExtendedServices", "Why a service is disabled."),
    "os-hosts": ("Hosts", "What projects have on a host."),
    "os-quota-class-sets": ("QuotaClasses", "The quotas of classes of projects."),
    "os-quota-sets": ("Quotas", "The quotas of projects."),
    "os-services": ("Services", "The programs of block storage."),
    "os-types-extra-specs": ("TypesExtraSpecs", "What a volume type asks of a backend."),
    "os-types-manage": ("TypesManage", "Creating and deleting volume types."),
    "os-used-limits": ("UsedLimits", "What a project has of its limits."),
    "os-volume-type-access": ("VolumeTypeAccess", "Which projects may use a volume type."),
    "scheduler-stats": ("Scheduler_stats", "What the storage pools have."),
    "qos-specs": ("Qos_specs_manage", "Bounds of the speed of volumes."),
}
_FROZEN = "2014-12-03T00:00:00Z"


def _view(alias: str) -> dict[str, Any]:
    name, description = _KNOWN[alias]
    return {
        "alias": alias,
        "name": name,
        "description": description,
        "updated": _FROZEN,
        "links": [],
    }


def index(request: wsgi.Request) -> dict[str, Any]:
    return {"extensions": [_view(alias) for alias in sorted(_KNOWN)]}


def show(request: wsgi.Request) -> dict[str, Any]:
    alias = request.args["alias"]
    if alias not in _KNOWN:
        raise exceptions.NotFound(f"Extension with alias {alias} does not exist")
    return {"extension": _view(alias)}


ROWS = [
    Route("GET", "/extensions", index, "volume:extensions:list", query=NO_QUERY),
    Route("GET", "/extensions/{alias}", show, "volume:extensions:list", query=NO_QUERY),
]
