"""Checks of volumes, all ways: what the database says, what lies on the backends and is exported
there, and which disks the guests really have."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from mycloud import client
from mycloud.client import errors
from mycloud.client.connection import Client
from mycloud.common import states
from mycloud.common.states import Attach, Vol
from mycloud.db import engine, models
from mycloud.db import services as db_services
from mycloud.local import credentials
from mycloud.local.doctor.patient import Finding, Findings, Patient

Row = Any

_BINARY = "mycloud-volume"
#: Volumes in these statuses lie on their backend.
_THERE = frozenset({Vol.AVAILABLE, Vol.IN_USE, Vol.RESERVED, Vol.ATTACHING, Vol.DETACHING})


def held(patient: Patient) -> Findings:
    """Volumes, snapshots and backups whose operation has ended without letting go of them, and
    backends that could not start."""
    for noun, table in (
        ("Volume", models.volumes),
        ("Snapshot", models.volume_snapshots),
        ("Backup", models.backups),
    ):
        for row in _stuck(table):
            yield Finding(
                f"{noun} {row['name'] or row['id']} ({row['id']}) is held by an operation that "
                "has ended",
                f"mycloud {_COMMANDS[noun]} set --state error {row['id']}",
            )
    with engine.reader() as conn:
        rows = db_services.every(conn, binary=_BINARY)
    for row in rows:
        if row["trouble"]:
            yield Finding(
                f"Storage backend {row['host']} refuses work: {row['trouble']}",
                "Mend that; the service tries again by itself within a minute",
            )


_COMMANDS = {
    "Volume": "volume", "Snapshot": "volume snapshot", "Backup": "volume backup",
}


def _stuck(table: sa.Table) -> list[Row]:
    operation = models.operations
    query = (
        sa.select(table.c.id, table.c.name)
        .select_from(table.outerjoin(operation, operation.c.id == table.c.operation_id))
        .where(
            table.c.deleted_at.is_(None),
            table.c.operation_id.is_not(None),
            sa.or_(operation.c.id.is_(None), operation.c.state.in_(sorted(states.OP_ENDED))),
        )
    )
    with engine.reader() as conn:
        return list(conn.execute(query).mappings())


# -- backends ----------------------------------------------------------------------------------


def backends(patient: Patient) -> Findings:
    """Volumes and exports of nobody, and volumes and attachments without theirs."""
    admin = client.connect(None, **credentials.of(patient.layout, credentials.ADMIN))
    with engine.reader() as conn:
        hosts = [row["host"] for row in db_services.every(conn, binary=_BINARY)]
    for host in hosts:
        yield from _backend(patient, admin, host)


def _backend(patient: Patient, admin: Client, host: str) -> Findings:
    before = _on_backend(host)
    try:
        found = admin.transport.get("mycloud", f"/backends/{host}/contents")
    except errors.ClientError as error:
        yield Finding(
            f"Storage backend {host} can't be asked what it has: {error}",
            f"Look into {patient.layout.logs}",
        )
        return
    # asked again: what came or went meanwhile is no finding
    after = _on_backend(host)
    has, exports = set(found["volumes"]), {
        each["attachment_id"]: each["serves"] for each in found["exports"]
    }
    for volume_id, row in after["volumes"].items():
        name = row["name_id"] or volume_id
        if volume_id in before["volumes"] and row["status"] in _THERE and name not in has:
            yield Finding(
                f"Volume {row['name'] or volume_id} ({volume_id}) is {row['status']}, but backend "
                f"{host} does not have it",
                "Restore it from a backup: mycloud volume backup restore; then delete it",
            )
    for name in sorted(has - _known_names(has)):
        yield Finding(
            f"Backend {host} has a volume {name}, which does not exist",
            "Look what is in it, and remove it by hand",
        )
    for key, attachment in after["attachments"].items():
        wanted = attachment["status"] == Attach.ATTACHED and attachment["connection_info"]
        if wanted and key in before["attachments"] and not exports.get(key):
            yield Finding(
                f"Attachment {key} of volume {attachment['volume_id']} has no export on {host}",
                "The service makes it again when it starts; if not, detach the volume and attach "
                "it again",
            )
    for key in sorted(set(exports) - set(before["attachments"]) - set(after["attachments"])):
        yield Finding(
            f"Backend {host} exports a volume for attachment {key}, which does not exist",
            "The service ends it within a minute; if not, look into its log",
        )


def _on_backend(host: str) -> dict[str, dict[str, Row]]:
    volume, attachment = models.volumes, models.volume_attachments
    here = sa.and_(
        volume.c.host.startswith(f"{host}#", autoescape=True), volume.c.deleted_at.is_(None)
    )
    with engine.reader() as conn:
        volumes = conn.execute(sa.select(volume).where(here)).mappings().all()
        query = (
            sa.select(attachment)
            .join(volume, volume.c.id == attachment.c.volume_id)
            .where(here, attachment.c.deleted_at.is_(None))
        )
        attachments = conn.execute(query).mappings().all()
    return {
        "volumes": {row["id"]: row for row in volumes},
        "attachments": {row["id"]: row for row in attachments},
    }


def _known_names(names: Iterable[str]) -> set[str]:
    """Those of the names that a live volume has, wherever it lies, or that an operation under
    way is making."""
    volume, operation = models.volumes, models.operations
    wanted = list(names)
    name = sa.func.coalesce(volume.c.name_id, volume.c.id)
    with engine.reader() as conn:
        found = set(
            conn.execute(
                sa.select(name).where(
                    sa.or_(name.in_(wanted), volume.c.id.in_(wanted)),
                    volume.c.deleted_at.is_(None),
                )
            ).scalars()
        )
        open_ones = conn.execute(
            sa.select(operation.c.payload).where(
                operation.c.state.in_(sorted(states.OP_OPEN))
            )
        ).scalars()
        texts = [str(payload) for payload in open_ones]
    return found | {each for each in wanted if any(each in text for text in texts)}


# -- guests ------------------------------------------------------------------------------------


def of_guests(patient: Patient) -> Findings:
    """Volumes that a server should have and its guest has not, and the other way round."""
    admin = client.connect(None, **credentials.of(patient.layout, credentials.ADMIN))
    for host in patient.settings.hosts:
        before = _attached(host)
        try:
            found = admin.transport.get("mycloud", f"/hosts/{host}/guests")
        except errors.ClientError:
            # the check of guests has told it already
            continue
        after = _attached(host)
        for guest in found["guests"]:
            server_id = guest["server_id"]
            has = {each["volume_id"]: each for each in guest["volumes"]}
            wanted = set(before.get(server_id, ())) & set(after.get(server_id, ()))
            allowed = set(before.get(server_id, ())) | set(after.get(server_id, ()))
            for volume_id in sorted(wanted - set(has)):
                yield Finding(
                    f"Volume {volume_id} is attached to server {server_id}, but its guest does "
                    "not have it",
                    f"mycloud server reboot --hard {server_id}, or detach the volume",
                )
            for volume_id in sorted(set(has) - allowed):
                yield Finding(
                    f"The guest of server {server_id} has volume {volume_id}, which is not "
                    "attached to it",
                    f"mycloud server stop {server_id}; then look into the log of host {host}",
                )


def _attached(host: str) -> dict[str, list[str]]:
    """The volumes of the host's servers that are at rest, by server."""
    attachment, server = models.volume_attachments, models.servers
    query = (
        sa.select(attachment.c.server_id, attachment.c.volume_id)
        .join(server, server.c.id == attachment.c.server_id)
        .where(
            server.c.host == host,
            server.c.deleted_at.is_(None),
            attachment.c.deleted_at.is_(None),
            attachment.c.status == Attach.ATTACHED,
        )
    )
    found: dict[str, list[str]] = {}
    with engine.reader() as conn:
        for server_id, volume_id in conn.execute(query):
            found.setdefault(server_id, []).append(volume_id)
    return found
