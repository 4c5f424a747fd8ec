"""Create servers: every refusal, then one transaction, then one ring for each."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.common.states import Power, Task, Vm
from mycloud.compute.requests import extras, quotas, submit
from mycloud.compute.requests.devices import find as find_devices
from mycloud.compute.requests.devices import write as write_devices
from mycloud.compute.requests.devices.device import Device, Disks
from mycloud.db import engine, flavors, journal, keypairs, server_groups, servers, services
from mycloud.image import reader as images
from mycloud.journal import submit as journal_submit
from mycloud.scheduler import rpcapi as scheduler_rpcapi

Row = Mapping[str, Any]

KIND = "server.create"
_GIB = 1 << 30
#: Characters that the name of a server has at most.
_NAME_LENGTH = 255


@dataclass(frozen=True)
class ServerSpec:
    """What the caller asks for. Sizes come with the flavor; texts are checked by the schema.

    ``requested_host`` and ``requested_node``: administrators only. ``personality``: path and
    contents (base64) of files. ``admin_pass``: goes to the guest's config drive, is not kept.
    """

    name: str
    flavor_ref: str
    image_ref: str | None = None
    min_count: int = 1
    max_count: int = 1
    metadata: dict[str, str] = field(default_factory=dict)
    key_name: str | None = None
    user_data: str | None = None
    config_drive: bool = False
    personality: list[dict[str, str]] | None = None
    availability_zone: str | None = None
    requested_host: str | None = None
    requested_node: str | None = None
    scheduler_hints: dict[str, Any] | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    access_ip_v4: str | None = None
    access_ip_v6: str | None = None
    disk_config: str = "MANUAL"
    admin_pass: str | None = None
    devices: tuple[Device, ...] = ()
    #: the caller knows of volumes that several servers have
    multiattach: bool = True


@dataclass(frozen=True)
class Found:
    """What the references of a request lead to."""

    flavor: Row
    keypair: Row | None
    group: Row | None
    disks: Disks


@dataclass(frozen=True)
class Created:
    """The rows of the servers, and the operations that build them, in the same order.

    ``admin_pass``: the one that the guests get, which is that of the first try.
    """

    servers: list[Row]
    operation_ids: list[str]
    reservation_id: str
    admin_pass: str | None = None


def create(
    context: RequestContext, spec: ServerSpec, *, key: str | None = None
) -> Created:
    """Accept up to ``max_count`` servers, at least ``min_count``.

    :raises BadField: when the flavor, image, key pair, zone or group does not exist
    :raises Invalid: when image and flavor do not fit
    :raises QuotaExceeded: when not even ``min_count`` fit into the quota
    :raises IdempotencyConflict: when the key was used for another request
    """
    # the password is made anew by every try, so it is no part of what was asked for
    asked = journal_submit.digest(KIND, asdict(replace(spec, admin_pass=None)))
    scoped = journal_submit.scoped_key(context, key)
    return _create(context, spec, scoped, asked)


@journal_submit.once_per_key
@engine.retried
def _create(
    context: RequestContext, spec: ServerSpec, key: str | None, asked: str
) -> Created:
    with engine.reader() as conn:
        done = journal_submit.replay(conn, key, asked)
        if done is not None:
            return _made_before(conn, done)
        found = _find(conn, context, spec)
        _check_zone(conn, spec.availability_zone)
        extras.check(conn, context.project_id, spec.metadata, spec.personality)
    _check_fit(found.flavor, found.disks)
    with engine.writer() as conn:
        count = quotas.check_servers(
            conn,
            (context.project_id, context.user_id),
            (spec.min_count, spec.max_count),
            {"cores": found.flavor["vcpus"], "ram": found.flavor["memory_mb"]},
        )
        if found.group is not None:
            quotas.check_group_members(conn, context.project_id, found.group["id"], count)
        rows = _rows(context, spec, found, count)
        servers.insert(conn, rows)
        operations = _operations(context, spec, rows, found.disks)
        for row in rows:
            operations += write_devices.write(conn, context, row, found.disks)
        if key:
            operations[0] |= {"idempotency_key": key, "idempotency_digest": asked}
        journal.insert(conn, *operations)
    journal_submit.ring(context, *operations)
    return Created(
        servers=list(rows),
        operation_ids=[row["operation_id"] for row in rows],
        reservation_id=rows[0]["reservation_id"],
        admin_pass=spec.admin_pass,
    )


def _find(conn: Connection, context: RequestContext, spec: ServerSpec) -> Found:
    image = keypair = None
    with _named("flavorRef"):
        flavor = flavors.get(conn, context, spec.flavor_ref)
    if spec.image_ref:
        with _named("imageRef"):
            image = images.for_server(conn, context, spec.image_ref)
    if spec.key_name:
        with _named("key_name"):
            keypair = keypairs.get(conn, context.user_id, spec.key_name)
    with _named("os:scheduler_hints.group"):
        group = _group(conn, context, spec.scheduler_hints)
    asked = find_devices.Asked(spec.devices, image, spec.max_count, spec.multiattach)
    disks = find_devices.find(conn, context, asked, flavor)
    return Found(flavor=flavor, keypair=keypair, group=group, disks=disks)


@contextlib.contextmanager
def _named(field: str) -> Iterator[None]:
    """What a body refers to and is not there is an error of that field."""
    try:
        yield
    except exceptions.NotFound as error:
        raise exceptions.BadField(field=field, reason=error.message) from error


def _made_before(conn: Connection, first: Row) -> Created:
    operations = [row for row in journal.of_request(conn, first["request_id"])
                  if row["kind"] == KIND]
    rows = [servers.get(conn, row["resource_id"], deleted=True) for row in operations]
    return Created(
        servers=rows,
        operation_ids=[row["id"] for row in operations],
        reservation_id=rows[0]["reservation_id"],
        admin_pass=first["payload"].get("admin_pass"),
    )


def _check_fit(flavor: Row, disks: Disks) -> None:
    if disks.volume_booted:
        return
    image = disks.image
    if image is None:
        raise exceptions.BadField(
            field="imageRef",
            reason="Missing imageRef attribute: name an image, or a device with boot_index 0 in "
            "block_device_mapping_v2.",
        )
    if image["min_ram"] > flavor["memory_mb"]:
        raise exceptions.Invalid(
            f"Flavor's memory is too small for requested image: {flavor['memory_mb']} MiB, but "
            f"the image needs {image['min_ram']} MiB. Choose a larger flavor."
        )
    if flavor["root_gb"] == 0:
        return
    needed = max(image["min_disk"] * _GIB, image.get("virtual_size") or image["size"] or 0)
    if needed > flavor["root_gb"] * _GIB:
        raise exceptions.Invalid(
            f"Flavor's disk is too small for requested image: {flavor['root_gb']} GiB, but the "
            f"image needs {needed / _GIB:.1f} GiB. Choose a flavor with a larger disk."
        )


def _group(
    conn: Connection, context: RequestContext, hints: dict[str, Any] | None
) -> Row | None:
    group_id = (hints or {}).get("group")
    if group_id is None:
        return None
    return server_groups.get(conn, group_id, project_id=context.project_id)


def _check_zone(conn: Connection, zone: str | None) -> None:
    if zone is None:
        return
    known = {row["availability_zone"] for row in services.every(conn, binary="mycloud-compute")}
    if zone not in known:
        raise exceptions.BadField(
            field="availability_zone",
            reason=f"The requested availability zone {zone} is not available; there are: "
            f"{', '.join(sorted(name for name in known if name))}.",
        )


def _rows(
    context: RequestContext, spec: ServerSpec, found: Found, count: int
) -> list[dict[str, Any]]:
    flavor = found.flavor
    now = clock.now()
    shared = {
        "project_id": context.project_id,
        "user_id": context.user_id,
        "description": spec.description,
        "vm_state": Vm.BUILDING,
        "task_state": Task.SCHEDULING,
        "power_state": Power.NOSTATE,
        "requested_az": spec.availability_zone,
        "availability_zone": spec.availability_zone,
        "image_id": found.disks.image["id"] if found.disks.image else None,
        "image_properties": found.disks.properties,
        "flavor_id": flavor["flavorid"],
        "flavor": flavors.embedded(flavor),
        **{
            name: flavor[name]
            for name in ("vcpus", "memory_mb", "root_gb", "ephemeral_gb", "swap_mb")
        },
        "key_name": spec.key_name,
        "key_data": found.keypair["public_key"] if found.keypair else None,
        "user_data": spec.user_data,
        "config_drive": spec.config_drive or bool(spec.personality),
        "personality": spec.personality,
        "disk_config": spec.disk_config,
        "metadata": spec.metadata,
        "tags": "".join(f",{tag}" for tag in spec.tags) + ("," if spec.tags else ""),
        "access_ip_v4": spec.access_ip_v4,
        "access_ip_v6": spec.access_ip_v6,
        "scheduler_hints": spec.scheduler_hints,
        "server_group_id": found.group["id"] if found.group else None,
        "reservation_id": "r-" + clock.new_id()[:8],
        "host": None,
        "fault": None,
        "created_at": now,
        "updated_at": now,
    }
    rows = []
    for index in range(count):
        tail = "" if spec.max_count == 1 else f"-{index + 1}"
        name = spec.name[: _NAME_LENGTH - len(tail)] + tail
        row_id = clock.new_id()
        rows.append(
            {
                **shared,
                "id": row_id,
                "operation_id": clock.new_id(),
                "name": name,
                "hostname": _hostname(name, row_id),
                "launch_index": index,
            }
        )
    return rows


def _hostname(name: str, server_id: str) -> str:
    """A host name made of a server's name: letters, digits and dashes, at most 63."""
    text = re.sub(r"[^a-z0-9-]+", "", re.sub(r"[ _.]", "-", name.lower())).strip("-")[:63]
    return text or f"server-{server_id}"


def _operations(
    context: RequestContext, spec: ServerSpec, rows: list[dict[str, Any]], disks: Disks
) -> list[dict[str, Any]]:
    image = disks.image
    payload: dict[str, Any] = {
        **disks.payload(),
        "requested_host": spec.requested_host,
        "requested_node": spec.requested_node,
        "admin_pass": spec.admin_pass if rows[0]["config_drive"] else None,
    }
    if image is not None:
        payload["image"] = {
            name: image[name] for name in ("id", "checksum", "disk_format", "size", "properties")
        }
    return [
        submit.new_operation(
            context,
            KIND,
            row["id"],
            topic=scheduler_rpcapi.TOPIC,
            id=row["operation_id"],
            payload=payload,
        )
        for row in rows
    ]
