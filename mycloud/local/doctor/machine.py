"""Checks of the machine: disk, port, processes, hypervisor."""

import os
import shutil
import socket
import stat
from pathlib import Path

from oslo_config import cfg

from mycloud.common import exceptions
from mycloud.compute.hypervisor import connection, proof
from mycloud.local import guests, privileged, supervisor
from mycloud.local.doctor.patient import Finding, Findings, Patient

#: A disk with less room than both is full soon.
_ROOM_BYTES = 1 << 30
_ROOM_FRACTION = 0.05
_KVM = Path("/dev/kvm")


def disk(patient: Patient) -> Findings:
    usage = shutil.disk_usage(patient.layout.state)
    if usage.free < _ROOM_BYTES and usage.free < usage.total * _ROOM_FRACTION:
        yield Finding(
            f"The disk of {patient.layout.state} has {usage.free >> 20} MiB left",
            "Delete images or servers, or move the state directory to a larger disk",
        )
    nodes = os.statvfs(patient.layout.state)
    if nodes.f_files and nodes.f_favail < 1000:
        yield Finding(
            f"The disk of {patient.layout.state} can hold only {nodes.f_favail} more files",
            "Delete files there",
        )


def files(patient: Patient) -> Findings:
    """Files with secrets that others may read."""
    layout = patient.layout
    secret = [layout.clouds, layout.config, layout.settings]
    secret += sorted((layout.state / "fernet-keys").glob("*"))
    for path in secret:
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            if path == layout.clouds:
                yield Finding(f"{path} is missing", f"Run: {patient.up}")
            continue
        if stat.S_IMODE(mode) & 0o077:
            yield Finding(f"Others may read {path}, which holds secrets", f"chmod 600 {path}")


def port(patient: Patient) -> Findings:
    """Someone else on the cloud's port, or nobody."""
    settings = patient.settings
    if patient.answers:
        return
    runs = [
        process.pid(patient.layout)
        for process in supervisor.wanted(patient.layout, settings)
        if process.name in ("mycloud-all", "mycloud-api")
    ]
    with socket.socket() as probe:
        probe.settimeout(2)
        taken = probe.connect_ex((settings.listen, settings.port)) == 0
    if taken and not any(runs):
        yield Finding(
            f"Another program listens on port {settings.port}",
            f"End it, or choose another port: {patient.up} --port N",
        )
    elif any(runs):
        yield Finding(
            f"The API at {settings.url} does not answer",
            f"Look into {patient.layout.logs}; then: {patient.down}; {patient.up}",
        )


def programs(patient: Patient) -> Findings:
    """Services that don't run, and pid files of what has ended."""
    layout = patient.layout
    if patient.settings.user is not None and privileged.pid(layout) is None:
        yield Finding(
            f"{privileged.NAME} does not run: what needs root on this host fails",
            f"As root run: {patient.up}; see {privileged.log(layout)}",
        )
    for process in supervisor.wanted(patient.layout, patient.settings):
        if process.pid(patient.layout) is None:
            crashed = patient.layout.pid_file(process.name).exists()
            yield Finding(
                f"{process.name} {'has crashed' if crashed else 'does not run'}",
                f"Run: {patient.up}" + (f"; see {process.log(patient.layout)}" if crashed else ""),
            )


def hypervisor(patient: Patient) -> Findings:
    """A libvirt that does not run or does not answer."""
    settings = patient.settings
    if settings.hypervisor != "libvirt":
        return
    if settings.libvirt_uri:
        yield from _answers(settings.libvirt_uri, f"Start the libvirt at {settings.libvirt_uri}")
        return
    for host in settings.hosts:
        daemon = guests.daemon(patient.layout, host)
        status = daemon.status() if daemon is not None else None
        if daemon is None or status is None or status.libvirtd is None:
            running = status.guests if status is not None else 0
            note = f" ({running} guest(s) still run)" if running else ""
            yield Finding(f"The libvirtd of host {host} does not run{note}", f"Run: {patient.up}")
            continue
        log = patient.layout.host(host) / "libvirt" / "log"
        yield from _answers(daemon.uri(), f"Look into {log}; then: {patient.down}; {patient.up}")
        if status.virtlogd is None:
            yield Finding(
                f"The virtlogd of host {host} does not run: consoles are not written",
                f"{patient.down}; {patient.up}",
            )


def _answers(uri: str, remedy: str) -> Findings:
    try:
        connection.open_uri(uri).close()
    except exceptions.MycloudError as error:
        yield Finding(error.message, remedy)


def kvm(patient: Patient) -> Findings:
    """KVM that is there but can't be used, or was never tried."""
    settings = patient.settings
    if settings.hypervisor != "libvirt" or settings.libvirt_uri or not _KVM.exists():
        return
    if cfg.CONF.compute.virt_type != "auto":
        # the operator has decided
        return
    if not os.access(_KVM, os.R_OK | os.W_OK):
        yield Finding(
            f"{_KVM} is there, but this user may not open it: guests are slow",
            "Add the user to the group kvm, or let root start the cloud; then stop and start it",
        )
        return
    for host in settings.hosts:
        homes = (patient.layout.state, patient.layout.host(host))
        if not any(proof.recall(home) for home in homes):
            yield Finding(
                f"Host {host} has never tried whether KVM works: guests are slow",
                f"{patient.down}; make up (it builds the guest that proves it)",
            )


