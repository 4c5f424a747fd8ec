"""What a guest may know of itself: the files of the config drive, in OpenStack's layout."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mycloud.compute.drivers.base import VolumeDisk
from mycloud.objects.server import Server

VERSION = "latest"


def meta_data(server: Server, admin_pass: str | None = None) -> dict[str, Any]:
    """OpenStack's meta_data.json."""
    found: dict[str, Any] = {
        "uuid": server.id,
        "name": server.name,
        "hostname": server.hostname,
        "project_id": server.project_id,
        "availability_zone": server.availability_zone,
        "launch_index": server.launch_index,
        "meta": dict(server.metadata),
        "devices": [],
        "dedicated_cpus": [],
    }
    if server.key_name:
        found["public_keys"] = {server.key_name: server.key_data}
        found["keys"] = [{"name": server.key_name, "type": "ssh", "data": server.key_data}]
    if admin_pass:
        found["admin_pass"] = admin_pass
    return found


def ec2_meta_data(server: Server) -> dict[str, Any]:
    """EC2's meta-data.json."""
    return {
        "ami-id": server.image_id or "",
        "ami-launch-index": server.launch_index,
        "hostname": server.hostname,
        "instance-id": server.id,
        "instance-type": server.flavor["original_name"],
        "local-hostname": server.hostname,
        "placement": {"availability-zone": server.availability_zone},
        "reservation-id": server.reservation_id,
    }


def files(server: Server, payload: dict[str, Any]) -> dict[str, bytes]:
    """Path in the config drive -> content."""
    found = meta_data(server, payload.get("admin_pass"))
    drive: dict[str, bytes] = {}
    injected = []
    for number, item in enumerate(server.personality or []):
        name = f"content/{number:04d}"
        drive[f"openstack/{name}"] = base64.b64decode(item["contents"])
        injected.append({"path": item["path"], "content_path": f"/{name}"})
    if injected:
        found["files"] = injected
    drive[f"openstack/{VERSION}/meta_data.json"] = json.dumps(found).encode()
    drive[f"openstack/{VERSION}/network_data.json"] = json.dumps(
        {"links": [], "networks": [], "services": []}
    ).encode()
    drive[f"openstack/{VERSION}/vendor_data.json"] = b"{}"
    drive[f"ec2/{VERSION}/meta-data.json"] = json.dumps(ec2_meta_data(server)).encode()
    if server.user_data:
        user_data = base64.b64decode(server.user_data)
        drive[f"openstack/{VERSION}/user_data"] = user_data
        drive[f"ec2/{VERSION}/user-data"] = user_data
    return drive


def with_devices(drive: Mapping[str, bytes], volumes: Sequence[VolumeDisk]) -> dict[str, bytes]:
    """The same files, which tell the guest the volumes that have a tag."""
    name = f"openstack/{VERSION}/meta_data.json"
    found = json.loads(drive[name])
    found["devices"] = [
        {
            "type": "disk",
            "bus": volume.bus,
            "path": f"/dev/{volume.device}",
            "serial": volume.volume_id,
            "tags": [volume.tag],
        }
        for volume in volumes if volume.tag is not None
    ]
    return {**drive, name: json.dumps(found).encode()}
