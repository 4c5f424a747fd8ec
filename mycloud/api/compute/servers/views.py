"""Servers as the API shows them, true to each microversion."""

import datetime
import functools
import hashlib
from typing import Any

from oslo_config import cfg

from mycloud.api import wsgi
from mycloud.api.versions import Version
from mycloud.common import clock, policy, states
from mycloud.common.states import Vm
from mycloud.compute.requests import listing, tags
from mycloud.compute.requests import volumes as attached

V3 = Version(2, 3)
V9 = Version(2, 9)
V16 = Version(2, 16)
V19 = Version(2, 19)
V26 = Version(2, 26)
V47 = Version(2, 47)
V60 = Version(2, 60)

_WITH_FAULT = frozenset({Vm.ERROR, Vm.DELETED})
_WITH_PROGRESS = frozenset({Vm.ACTIVE, Vm.BUILDING})


def time_of(value: datetime.datetime | None) -> str | None:
    """To the second, in UTC."""
    return None if value is None else value.isoformat(timespec="seconds") + "Z"


def usage_time_of(value: datetime.datetime | None) -> str | None:
    """To the microsecond and without a zone: what clients parse in usage and action times."""
    return None if value is None else value.isoformat(timespec="microseconds")


@functools.lru_cache(maxsize=4096)
def host_id(project_id: str, host: str | None) -> str:
    """A name of the host that tells a project which of its servers share one, and no more."""
    if not host:
        return ""
    return hashlib.sha224((project_id + host).encode()).hexdigest()


def links(request: wsgi.Request, server_id: str) -> list[dict[str, str]]:
    """Where a server is found, with the version and without."""
    return _links(request.service_url, request.service_url.rpartition("/")[0], server_id)


def _links(here: str, plain: str, server_id: str) -> list[dict[str, str]]:
    return [
        {"rel": "self", "href": f"{here}/servers/{server_id}"},
        {"rel": "bookmark", "href": f"{plain}/servers/{server_id}"},
    ]


class View:
    """What one caller sees in one microversion; made once a request."""

    def __init__(self, request: wsgi.Request):
        version = request.version
        #: server id -> its devices; see look_up
        self._devices: dict[str, list[Any]] = {}
        self._here = request.service_url
        self._plain = self._here.rpartition("/")[0]
        self._version = version
        self.operator = policy.allowed(request.context, "compute:servers:show_host")
        self._faults = self.operator and policy.allowed(
            request.context, "compute:servers:show_fault"
        )
        self._specs = version >= V47 and policy.allowed(
            request.context, "compute:servers:show_flavor_specs"
        )
        #: what the view needs to be selected
        self.user_data = self.operator and version >= V3
        self.service = self.operator and version >= V16

    def look_up(self, server_ids: list[str]) -> None:
        """Read what a detailed view of these servers shows beside their rows; one statement."""
        self._devices = attached.of_servers(server_ids)

    def chosen(self) -> tuple[Any, ...]:
        """The columns of a detailed view."""
        return listing.columns(
            detail=True, user_data=self.user_data, service=self.service
        )

    def chosen_brief(self) -> tuple[Any, ...]:
        """The columns of a brief view."""
        return listing.columns(detail=False, user_data=False, service=False)

    def brief(self, row: Any) -> dict[str, Any]:
        """As GET /servers lists it."""
        return {
            "id": row.id,
            "name": row.name,
            "links": _links(self._here, self._plain, row.id),
        }

    def base(self, row: Any) -> dict[str, Any]:
        """What every full view has; all of what PUT answers."""
        version = self._version
        found = {
            "id": row.id,
            "name": row.name,
            "status": states.server_status(row.vm_state, row.task_state),
            "tenant_id": row.project_id,
            "user_id": row.user_id,
            "metadata": row.metadata,
            "hostId": host_id(row.project_id, row.host),
            "image": self._image(row.image_id),
            "flavor": self._flavor(row),
            "created": time_of(row.created_at),
            "updated": time_of(row.updated_at or row.created_at),
            "addresses": {},
            "accessIPv4": row.access_ip_v4 or "",
            "accessIPv6": row.access_ip_v6 or "",
            "links": _links(self._here, self._plain, row.id),
            "OS-DCF:diskConfig": row.disk_config,
        }
        if row.vm_state in _WITH_PROGRESS:
            found["progress"] = row.progress
        if row.fault and row.vm_state in _WITH_FAULT:
            found["fault"] = self._fault(row.fault)
        if version >= V9:
            found["locked"] = row.locked
        if version >= V19:
            found["description"] = row.description
        if version >= V26:
            found["tags"] = tags.unpacked(row.tags)
        return found

    def detail(self, row: Any) -> dict[str, Any]:
        """As GET /servers/{id} shows it."""
        found = self.base(row)
        found["OS-EXT-AZ:availability_zone"] = row.availability_zone or row.requested_az or ""
        found["config_drive"] = "True" if row.config_drive else ""
        found["key_name"] = row.key_name
        found["OS-SRV-USG:launched_at"] = usage_time_of(row.launched_at)
        found["OS-SRV-USG:terminated_at"] = usage_time_of(row.terminated_at)
        found["OS-EXT-STS:task_state"] = row.task_state
        found["OS-EXT-STS:vm_state"] = row.vm_state
        found["OS-EXT-STS:power_state"] = row.power_state
        found["os-extended-volumes:volumes_attached"] = self._volumes(row.id)
        if self.operator:
            self._operators_part(row, found)
        return found

    def _operators_part(self, row: Any, found: dict[str, Any]) -> None:
        found["OS-EXT-SRV-ATTR:host"] = row.host
        found["OS-EXT-SRV-ATTR:hypervisor_hostname"] = row.node
        found["OS-EXT-SRV-ATTR:instance_name"] = f"mycloud-{row.id}"
        if self.user_data:
            found["OS-EXT-SRV-ATTR:reservation_id"] = row.reservation_id
            found["OS-EXT-SRV-ATTR:launch_index"] = row.launch_index
            found["OS-EXT-SRV-ATTR:hostname"] = row.hostname
            found["OS-EXT-SRV-ATTR:kernel_id"] = ""
            found["OS-EXT-SRV-ATTR:ramdisk_id"] = ""
            found["OS-EXT-SRV-ATTR:root_device_name"] = attached.root_name(
                self._devices.get(row.id, ())
            )
            found["OS-EXT-SRV-ATTR:user_data"] = row.user_data
        if self.service:
            found["host_status"] = _host_status(row)

    def _volumes(self, server_id: str) -> list[dict[str, Any]]:
        found = [each for each in self._devices.get(server_id, ()) if each["volume_id"]]
        if self._version < V3:
            return [{"id": each["volume_id"]} for each in found]
        return [
            {"id": each["volume_id"], "delete_on_termination": each["delete_on_termination"]}
            for each in found
        ]

    def _image(self, image_id: str | None) -> Any:
        if not image_id:
            return ""
        href = f"{self._plain}/images/{image_id}"
        return {"id": image_id, "links": [{"rel": "bookmark", "href": href}]}

    def _flavor(self, row: Any) -> dict[str, Any]:
        if self._version < V47:
            href = f"{self._plain}/flavors/{row.flavor_id}"
            return {"id": row.flavor_id, "links": [{"rel": "bookmark", "href": href}]}
        found = {
            "original_name": row.flavor["original_name"],
            "vcpus": row.vcpus,
            "ram": row.memory_mb,
            "disk": row.root_gb,
            "ephemeral": row.ephemeral_gb,
            "swap": row.swap_mb,
        }
        if self._specs:
            found["extra_specs"] = row.flavor.get("extra_specs", {})
        return found

    def _fault(self, fault: dict[str, Any]) -> dict[str, Any]:
        shown = {name: fault[name] for name in ("code", "created", "message")}
        if self._faults and fault.get("details"):
            shown["details"] = fault["details"]
        return shown


def _host_status(row: Any) -> str:
    """As the compute API names it: UP, DOWN, UNKNOWN, MAINTENANCE; empty without a host."""
    if not row.host or row.service_disabled is None:
        return ""
    if row.service_forced_down:
        return "DOWN"
    if row.service_disabled:
        return "MAINTENANCE"
    patience = datetime.timedelta(seconds=cfg.CONF.service_down_time)
    if row.service_last_seen_at is None or clock.now() - row.service_last_seen_at > patience:
        return "UNKNOWN"
    return "UP"
