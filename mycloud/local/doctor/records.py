"""Checks of what the database says: its version, services, the bus, the journal, servers."""

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg

from mycloud.common import clock, context, exceptions, rpc, states
from mycloud.conductor.rpcapi import ConductorAPI
from mycloud.db import engine, models
from mycloud.db import services as db_services
from mycloud.db.migrations import version
from mycloud.local.doctor.patient import Finding, Findings, Patient
from mycloud.objects import base as objects_base

Row = Mapping[str, Any]

#: Seconds by which clocks may differ.
_SKEW_SECONDS = 5
#: Seconds that an operation may wait for a worker.
_PATIENCE_SECONDS = 60


def database(patient: Patient) -> Findings:
    """A database that is damaged, or of another version."""
    try:
        version.check()
        if engine.get().sqlite:
            with engine.reader() as conn:
                said = conn.execute(sa.text("PRAGMA quick_check(1)")).scalar()
            if said != "ok":
                yield Finding(
                    f"The database is damaged: {said}",
                    f"{patient.down}; restore {patient.layout.database} from a backup",
                )
    except exceptions.DatabaseVersion as error:
        yield Finding(
            error.message, f"{patient.down}; {patient.up} (it brings the schema up to date)"
        )
    except exceptions.MycloudError as error:
        yield Finding(error.message, "Start the database server, and check --database")


def clocks(patient: Patient) -> Findings:
    """Clocks that differ: tokens and signs of life don't hold then."""
    now = clock.now()
    with engine.reader() as conn:
        rows = db_services.every(conn)
        theirs = None
        if not engine.get().sqlite:
            theirs = conn.execute(sa.select(sa.func.current_timestamp())).scalar()
    if theirs is not None:
        if theirs.tzinfo is not None:
            theirs = theirs.astimezone(datetime.UTC).replace(tzinfo=None)
        skew = abs((theirs - now).total_seconds())
        if skew > _SKEW_SECONDS:
            yield Finding(
                f"The clocks of this machine and of the database differ by {skew:.0f} s",
                "Set both by NTP",
            )
    for row in rows:
        ahead = (row["last_seen_at"] - now).total_seconds() if row["last_seen_at"] else 0
        if ahead > _SKEW_SECONDS:
            yield Finding(
                f"{row['binary']} on {row['host']} reported {ahead:.0f} s in the future",
                "Set the clocks of both machines by NTP",
            )


def services(patient: Patient) -> Findings:
    """Services that don't report, and compute hosts that are disabled."""
    if not patient.answers:
        return
    now = clock.now()
    with engine.reader() as conn:
        rows = db_services.every(conn)
    for row in rows:
        silent = _age(row["last_seen_at"], now)
        name = f"{row['binary']} on {row['host']}"
        known = row["binary"] != "mycloud-compute" or row["host"] in patient.settings.hosts
        if row["forced_down"]:
            yield Finding(
                f"{name} is forced down by an administrator",
                f"mycloud service set --up {row['host']}",
            )
        elif silent > cfg.CONF.service_down_time and known:
            yield Finding(
                f"{name} has not reported for {silent:.0f} s",
                f"Look into {patient.layout.logs}; then: {patient.down}; {patient.up}",
            )
        elif silent > cfg.CONF.service_down_time:
            yield Finding(
                f"{name} is not part of this cloud any more",
                "Delete its servers and then the service: openstack compute service delete "
                f"{row['id']}",
            )
    have = {row["host"] for row in rows if row["binary"] == "mycloud-compute"}
    for host in sorted(set(patient.settings.hosts) - have):
        yield Finding(
            f"Compute host {host} has never reported", f"Look into {patient.layout.logs}"
        )


def bus(patient: Patient) -> Findings:
    """A broker that does not answer. The bus of a cloud in one process is inside that process."""
    if not patient.settings.transport_url:
        return
    rpc.init(objects_base.Serializer())
    try:
        ConductorAPI().ping(context.admin_context(), timeout=5)
    except exceptions.BusUnavailable as error:
        yield Finding(error.message, "Start the broker, and check --transport-url")
    except exceptions.ServiceUnavailable:
        yield Finding("No conductor answers on the bus", f"Run: {patient.up}")
    finally:
        rpc.cleanup()


def journal(patient: Patient) -> Findings:
    """Operations that nobody works on, or that take too long."""
    now = clock.now()
    table = models.operations
    with engine.reader() as conn:
        epochs = {row["id"]: row["epoch"] for row in db_services.every(conn)}
        query = sa.select(table).where(table.c.state.in_(states.OP_OPEN))
        rows = list(conn.execute(query).mappings())
    for row in rows:
        what = f"{row['kind']} of {row['resource_id']}"
        waited = _age(row["created_at"], now)
        if row["deadline_at"] is not None and row["deadline_at"] < now:
            problem = f"{what} is past its deadline"
        elif row["state"] == states.Op.RUNNING and epochs.get(row["owner"]) != row["owner_epoch"]:
            problem = f"{what} belongs to a worker that is gone"
        elif row["state"] == states.Op.PENDING and waited > _PATIENCE_SECONDS:
            problem = f"{what} has waited for {waited:.0f} s"
        else:
            continue
        yield Finding(
            f"{problem} (operation {row['id']})",
            "The conductor settles it while it runs: "
            + (f"see mycloud why {row['id']}" if patient.answers else f"run {patient.up}"),
        )


def servers(patient: Patient) -> Findings:
    """Servers whose operation has ended without letting go of them."""
    server, operation = models.servers, models.operations
    query = (
        sa.select(server.c.id, server.c.name, server.c.operation_id, server.c.task_state)
        .select_from(server.outerjoin(operation, operation.c.id == server.c.operation_id))
        .where(
            server.c.deleted_at.is_(None),
            sa.or_(
                sa.and_(
                    server.c.operation_id.is_not(None),
                    sa.or_(
                        operation.c.id.is_(None), operation.c.state.in_(states.OP_ENDED)
                    ),
                ),
                sa.and_(server.c.operation_id.is_(None), server.c.task_state.is_not(None)),
            ),
        )
    )
    with engine.reader() as conn:
        rows = list(conn.execute(query).mappings())
        allocations = _stray_allocations(conn)
    for row in rows:
        yield Finding(
            f"Server {row['name']} ({row['id']}) is held by an operation that has ended",
            f"openstack server set --state active {row['id']}",
        )
    for server_id in allocations:
        yield Finding(
            f"Resources of a host are claimed for server {server_id}, which does not exist",
            f"{patient.down}; {patient.up}",
        )


def _stray_allocations(conn: Any) -> list[str]:
    server, allocation = models.servers, models.allocations
    query = (
        sa.select(allocation.c.server_id)
        .select_from(allocation.outerjoin(server, server.c.id == allocation.c.server_id))
        .where(sa.or_(server.c.id.is_(None), server.c.deleted_at.is_not(None)))
    )
    return list(conn.execute(query).scalars())


def _age(then: datetime.datetime | None, now: datetime.datetime) -> float:
    """Seconds; endless for what has never been."""
    return (now - then).total_seconds() if then is not None else float("inf")
