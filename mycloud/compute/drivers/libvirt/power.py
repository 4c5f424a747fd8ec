"""Starting and stopping domains.  Each function runs natively and takes the connection first."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

import libvirt

from mycloud.compute.drivers.libvirt import disks, domain

_FORGET = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
)


def define(conn: Any, xml: str) -> None:
    """Define a domain, or define it anew."""
    conn.defineXML(xml)


def redefine(conn: Any, server_id: str, fresh: Mapping[str, ET.Element]) -> None:
    """Give volumes other disks from the next start on; see ``disks.replace``."""
    disks.replace(conn, conn.lookupByName(domain.name_of(server_id)), fresh)


def step_up(conn: Any, server_id: str) -> bool:
    """Do what is next on the way to a guest that runs; True if it does."""
    dom = conn.lookupByName(domain.name_of(server_id))
    state, reason = dom.state()
    with _already():
        if state == libvirt.VIR_DOMAIN_PAUSED and reason != libvirt.VIR_DOMAIN_PAUSED_STARTING_UP:
            dom.resume()
        elif state == libvirt.VIR_DOMAIN_PMSUSPENDED:
            dom.pMWakeup()
        elif state in (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_CRASHED):
            dom.create()
    return dom.state()[0] in (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_BLOCKED)


def press_power_button(conn: Any, server_id: str) -> None:
    """Ask the guest to power off."""
    dom = conn.lookupByName(domain.name_of(server_id))
    with _already():
        dom.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)


def pull_the_plug(conn: Any, server_id: str) -> None:
    """Let it end at once."""
    dom = conn.lookupByName(domain.name_of(server_id))
    with _already():
        dom.destroy()


def destroy(conn: Any, server_id: str) -> None:
    """End it and forget its definition."""
    dom = conn.lookupByName(domain.name_of(server_id))
    with _already():
        dom.destroy()
    dom.undefineFlags(_FORGET)


@contextlib.contextmanager
def _already() -> Iterator[None]:
    """A guest that is already what was wanted refuses to be made so."""
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
            raise
