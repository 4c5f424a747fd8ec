"""Runs all checks, in an order in which a cause comes before what follows from it."""

import dataclasses
from collections.abc import Callable

from mycloud.client import errors
from mycloud.common import context, exceptions
from mycloud.db import engine
from mycloud.db.migrations import version
from mycloud.local import lifecycle
from mycloud.local.doctor import agents, disks, leftovers, machine, records
from mycloud.local.doctor.patient import Finding, Findings, Patient
from mycloud.local.layout import Layout
from mycloud.local.settings import LocalError, load

Check = Callable[[Patient], Findings]

#: name: (check, whether it needs the database, whether it needs the API)
CHECKS: dict[str, tuple[Check, bool, bool]] = {
    "disk space": (machine.disk, False, False),
    "files": (machine.files, False, False),
    "port": (machine.port, False, False),
    "processes": (machine.programs, False, False),
    "hypervisor": (machine.hypervisor, False, False),
    "KVM": (machine.kvm, False, False),
    "database": (records.database, False, False),
    "clock": (records.clocks, True, False),
    "services": (records.services, True, False),
    "agents": (agents.agents, True, True),
    "bus": (records.bus, True, False),
    "journal": (records.journal, True, False),
    "servers": (records.servers, True, False),
    "images": (leftovers.images, True, False),
    "guests": (leftovers.guests, True, True),
    "volumes": (disks.held, True, False),
    "backends": (disks.backends, True, True),
    "disks of guests": (disks.of_guests, True, True),
}


@dataclasses.dataclass(frozen=True)
class Result:
    """One check: what it found, and why it could not look at all or at the rest."""

    check: str
    findings: list[Finding]
    skipped: str | None = None


def examine(layout: Layout) -> list[Result]:
    """All results.

    :raises LocalError: there is no cloud in this state directory
    """
    settings = load(layout)
    if settings is None:
        raise LocalError(f"There is no cloud in {layout.state}; 'mycloud up' makes one")
    lifecycle.open_database(layout, settings)
    try:
        with context.role(context.MANAGE):
            patient = Patient(layout, settings, lifecycle.answers(settings), _readable())
            return [
                _look(name, patient, needs_database, needs_api)
                for name, (_, needs_database, needs_api) in CHECKS.items()
            ]
    finally:
        engine.unconfigure()


def _look(name: str, patient: Patient, needs_database: bool, needs_api: bool) -> Result:
    if needs_database and not patient.database:
        return Result(name, [], "the database can't be read")
    if needs_api and not patient.answers:
        return Result(name, [], "the API does not answer")
    result = Result(name, [])
    try:
        # what was found before it failed stays
        result.findings.extend(CHECKS[name][0](patient))
    except exceptions.MycloudError as error:
        return dataclasses.replace(result, skipped=error.message)
    except (errors.ClientError, LocalError) as error:
        return dataclasses.replace(result, skipped=str(error))
    return result


def _readable() -> bool:
    try:
        version.check()
    except exceptions.MycloudError:
        return False
    return True
