"""From a server and its operation's payload to what a driver builds."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from mycloud.compute import instance_metadata
from mycloud.compute.drivers.base import BlankDisk, GuestSpec, VolumeDisk
from mycloud.disk.image_spec import ImageSpec
from mycloud.objects.server import Server


def build(server: Server, payload: dict[str, Any]) -> GuestSpec:
    """The guest of a server. ``payload["image"]`` is the image as it was when it was asked for."""
    image = payload.get("image")
    return GuestSpec(
        server_id=server.id,
        name=server.name,
        vcpus=server.vcpus,
        memory_mb=server.memory_mb,
        root_gb=server.root_gb,
        ephemeral_gb=server.ephemeral_gb,
        swap_mb=server.swap_mb,
        image=ImageSpec(**image) if image else None,
        config_files=instance_metadata.files(server, payload) if server.config_drive else None,
        extra_specs=server.flavor.get("extra_specs", {}),
        metadata={
            "project_id": server.project_id,
            "user_id": server.user_id,
            "flavor": server.flavor["original_name"],
            "image_id": server.image_id or "",
        },
        blank_disks=tuple(BlankDisk(**each) for each in payload.get("blank_disks", ())),
    )


def with_volumes(spec: GuestSpec, volumes: Sequence[VolumeDisk]) -> GuestSpec:
    """The same guest with these volumes, which its config drive tells it by their tags."""
    files = spec.config_files
    if files is not None:
        files = instance_metadata.with_devices(files, volumes)
    return dataclasses.replace(spec, volumes=tuple(volumes), config_files=files)
