"""The list of extensions, frozen since microversions tell what a service can do."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.common import exceptions

#: alias -> name and description; those whose routes are here.
_KNOWN = {
    "OS-DCF": ("DiskConfig", "How the disk of a server is partitioned."),
    "OS-EXT-AZ": ("ExtendedAvailabilityZone", "The availability zone of a server."),
    "OS-EXT-IMG-SIZE": ("ImageSize", "The size of an image."),
    "OS-EXT-SRV-ATTR": ("ExtendedServerAttributes", "Where a server runs, for operators."),
    "OS-EXT-STS": ("ExtendedStatus", "The state of a server, and what is being done to it."),
    "OS-FLV-DISABLED": ("FlavorDisabled", "Whether a flavor is disabled."),
    "OS-FLV-EXT-DATA": ("FlavorExtraData", "The ephemeral disk of a flavor."),
    "OS-SRV-USG": ("ServerUsage", "Since when a server has run."),
    "extensions": ("Extensions", "This list."),
    "flavors": ("Flavors", "The sizes of servers."),
    "image-metadata": ("ImageMetadata", "The metadata of an image."),
    "images": ("Images", "The images that servers are made from."),
    "limits": ("Limits", "What a project may have."),
    "os-admin-actions": ("AdminActions", "What operators do to servers."),
    "os-aggregates": ("Aggregates", "Groups of hosts, and their availability zones."),
    "os-availability-zone": ("AvailabilityZone", "Availability zones and their hosts."),
    "os-block-device-mapping-v2-boot": (
        "BlockDeviceMapping", "The disks that a server is made with."
    ),
    "os-config-drive": ("ConfigDrive", "A disk with a server's metadata."),
    "os-console-output": ("ConsoleOutput", "The console log of a server."),
    "os-consoles": ("Consoles", "The console of a server."),
    "os-extended-volumes": ("ExtendedVolumes", "The volumes of a server."),
    "os-flavor-access": ("FlavorAccess", "Which projects may use a flavor."),
    "os-flavor-extra-specs": ("FlavorExtraSpecs", "What else a flavor asks of a host."),
    "os-flavor-manage": ("FlavorManage", "Creating and deleting flavors."),
    "os-flavor-rxtx": ("FlavorRxtx", "The share of a flavor in the network's capacity."),
    "os-hypervisors": ("Hypervisors", "The compute hosts."),
    "os-instance-actions": ("InstanceActions", "What was done to a server."),
    "os-keypairs": ("Keypairs", "Public keys that are put into servers."),
    "os-lock-server": ("LockServer", "Locking a server against changes."),
    "os-multiple-create": ("MultipleCreate", "Many servers by one request."),
    "os-quota-class-sets": ("QuotaClasses", "The quotas of classes of projects."),
    "os-quota-sets": ("Quotas", "The quotas of projects."),
    "os-scheduler-hints": ("SchedulerHints", "Hints where a server is to run."),
    "os-server-groups": ("ServerGroups", "Servers near each other, or apart."),
    "os-services": ("Services", "The programs of the cloud."),
    "os-simple-tenant-usage": ("SimpleTenantUsage", "What projects used over time."),
    "os-used-limits": ("UsedLimits", "What a project has of its limits."),
    "os-user-data": ("UserData", "Data that a server reads when it starts."),
    "os-volumes": ("Volumes", "Volumes, their snapshots, and those of servers."),
    "server-metadata": ("ServerMetadata", "The metadata of a server."),
    "servers": ("Servers", "Servers."),
    "versions": ("Versions", "The versions of the API."),
}
_FROZEN = "2014-12-03T00:00:00Z"
_NAMESPACE = "http://docs.openstack.org/compute/ext/fake_xml"


def _view(alias: str) -> dict[str, Any]:
    name, description = _KNOWN[alias]
    return {
        "alias": alias,
        "name": name,
        "description": description,
        "namespace": _NAMESPACE,
        "updated": _FROZEN,
        "links": [],
    }


def index(request: wsgi.Request) -> dict[str, Any]:
    return {"extensions": [_view(alias) for alias in _KNOWN]}


def show(request: wsgi.Request) -> dict[str, Any]:
    alias = request.args["alias"]
    if alias not in _KNOWN:
        raise exceptions.NotFound(resource="Extension", id=alias)
    return {"extension": _view(alias)}


ROWS = [
    Route("GET", "/extensions", index, "compute:extensions:list", query=NO_QUERY),
    Route("GET", "/extensions/{alias}", show, "compute:extensions:list", query=NO_QUERY),
]
