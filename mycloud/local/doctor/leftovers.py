"""Checks of what is left over: on hosts without the database knowing, and the other way round."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from mycloud import client
from mycloud.client import errors
from mycloud.common import states
from mycloud.db import engine, models
from mycloud.image import store
from mycloud.local import credentials
from mycloud.local.doctor.patient import Finding, Findings, Patient


def guests(patient: Patient) -> Findings:
    """Guests and files of no server, and servers without a guest; the hosts themselves tell."""
    admin = client.connect(None, **credentials.of(patient.layout, credentials.ADMIN))
    for host in patient.settings.hosts:
        before = _servers(host)
        try:
            found = admin.transport.get("mycloud", f"/hosts/{host}/guests")
        except errors.ClientError as error:
            yield Finding(
                f"Host {host} can't be asked for its guests: {error}",
                f"Look into {patient.layout.logs}",
            )
            continue
        yield from _compare(host, before, found)


def _compare(host: str, before: dict[str, Any], found: dict[str, Any]) -> Findings:
    has = {guest["server_id"]: guest["power_state"] for guest in found["guests"]}
    # asked again: what came or went meanwhile is no finding
    after = _servers(host)
    living = _living([*has, *found["leftovers"]])
    for server_id in sorted(set(has) - living):
        yield Finding(
            f"Host {host} has a guest of server {server_id}, which does not exist",
            "The host removes it within a minute; if not, look into its log",
        )
    for server_id in sorted(set(found["leftovers"]) - living):
        yield Finding(
            f"Host {host} has files of server {server_id}, which does not exist",
            "The host removes them within a minute; if not, look into its log",
        )
    for server_id, row in after.items():
        if row["operation_id"] or server_id in has or server_id not in before:
            continue
        if row["vm_state"] in (states.Vm.ACTIVE, states.Vm.STOPPED, states.Vm.PAUSED):
            yield Finding(
                f"Server {row['name']} ({server_id}) is {row['vm_state']}, but host {host} has no "
                "guest for it",
                f"mycloud server reboot --hard {server_id}, or delete it",
            )


def _servers(host: str) -> dict[str, Any]:
    table = models.servers
    query = sa.select(
        table.c.id, table.c.name, table.c.vm_state, table.c.operation_id
    ).where(table.c.host == host, table.c.deleted_at.is_(None))
    with engine.reader() as conn:
        return {row["id"]: row for row in conn.execute(query).mappings()}


def _living(server_ids: Iterable[str]) -> set[str]:
    table = models.servers
    query = sa.select(table.c.id).where(
        table.c.id.in_(list(server_ids)), table.c.deleted_at.is_(None)
    )
    with engine.reader() as conn:
        return set(conn.execute(query).scalars())


def images(patient: Patient) -> Findings:
    """Files of no image, and images without their file."""
    before = _images()
    files = {entry.image_id: entry for entry in store.entries() if not entry.partial}
    after = _images()
    for image_id in sorted(set(files) - set(before) - set(after)):
        yield Finding(
            f"{files[image_id].path} belongs to no image", f"rm {files[image_id].path}"
        )
    for image_id, row in after.items():
        whole = row["status"] == states.Image.ACTIVE and row["size"]
        if whole and image_id in before and image_id not in files:
            yield Finding(
                f"The file of image {row['name'] or image_id} is gone",
                f"Delete the image and upload it again: mycloud image delete {image_id}",
            )


def _images() -> dict[str, Any]:
    table = models.images
    query = sa.select(table.c.id, table.c.name, table.c.status, table.c.size).where(
        table.c.deleted_at.is_(None)
    )
    with engine.reader() as conn:
        return {row["id"]: row for row in conn.execute(query).mappings()}
