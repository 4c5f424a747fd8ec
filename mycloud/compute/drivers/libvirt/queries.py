"""Questions to libvirt.  Each function runs natively and takes the connection first."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

import libvirt

from mycloud.compute.drivers import hostinfo
from mycloud.compute.drivers.base import GuestInfo, PowerState
from mycloud.compute.drivers.libvirt import domain

_STATES = {
    libvirt.VIR_DOMAIN_RUNNING: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: PowerState.PAUSED,
    # on its way down, and still running
    libvirt.VIR_DOMAIN_SHUTDOWN: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_SHUTOFF: PowerState.SHUTDOWN,
    libvirt.VIR_DOMAIN_CRASHED: PowerState.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: PowerState.SUSPENDED,
}
_KIB = 1024
_BLOCKDEV = re.compile(r"-blockdev \{.*\}: ", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class HostFacts:
    """What libvirt knows of the host."""

    vcpus: int
    hypervisor_type: str
    hypervisor_version: int
    cpu_info: dict[str, Any]


def host_facts(conn: Any) -> HostFacts:
    """The host's processors and its hypervisor."""
    _model, _memory, cpus, _mhz, _nodes, sockets, cores, threads = conn.getInfo()
    cpu = ET.fromstring(conn.getCapabilities()).find("host/cpu")
    cpu = ET.Element("cpu") if cpu is None else cpu
    return HostFacts(
        vcpus=cpus,
        hypervisor_type=conn.getType(),
        hypervisor_version=conn.getVersion(),
        cpu_info={
            "arch": cpu.findtext("arch") or hostinfo.architecture(),
            "model": cpu.findtext("model") or "unknown",
            "vendor": cpu.findtext("vendor") or "unknown",
            "features": sorted(each.get("name", "") for each in cpu.findall("feature")),
            "topology": {"sockets": sockets, "cores": cores, "threads": threads},
        },
    )


def guests(conn: Any) -> list[GuestInfo]:
    """All domains that bear a name of ours."""
    found = []
    for dom in conn.listAllDomains():
        server_id = domain.server_id_of(dom.name())
        info = None if server_id is None else _info(dom, server_id)
        if info is not None:
            found.append(info)
    return found


def guest(conn: Any, server_id: str) -> GuestInfo | None:
    """The server's domain, or None if there is none."""
    try:
        dom = conn.lookupByName(domain.name_of(server_id))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise
    return _info(dom, server_id)


def _info(dom: Any, server_id: str) -> GuestInfo | None:
    try:
        state, memory, _balloon, vcpus, _time = dom.info()
    except libvirt.libvirtError as error:
        # it may have been undefined since it was looked up
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise
    return GuestInfo(
        server_id, power_state(state), vcpus, memory // _KIB
    )


def power_state(state: int | None) -> PowerState:
    """What a state of libvirt's means."""
    return PowerState.NOSTATE if state is None else _STATES.get(state, PowerState.NOSTATE)


def versions(conn: Any) -> dict[str, str]:
    """Of libvirt's daemon and of the hypervisor that it leads."""
    return {
        "libvirt": _version(conn.getLibVersion()),
        conn.getType().lower(): _version(conn.getVersion()),
    }


def _version(number: int) -> str:
    """libvirt packs 9.1.2 as 9001002."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def paused_by_io_error(conn: Any, server_id: str) -> bool:
    """Whether a disk of the guest did not answer, and it waits for that."""
    try:
        state, why = conn.lookupByName(domain.name_of(server_id)).state()
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return False
        raise
    return bool(
        state == libvirt.VIR_DOMAIN_PAUSED and why == libvirt.VIR_DOMAIN_PAUSED_IOERROR
    )


def reason(error: libvirt.libvirtError, hidden: Sequence[str] = ()) -> str:
    """What libvirt says, without paths of the host and what else must be hidden."""
    # what QEMU was started with holds the names of exports, which open them
    text = _BLOCKDEV.sub("", str(error))
    for secret in hidden:
        text = text.replace(secret, "(a secret)")
    words = text.split()
    return " ".join("(a file)" if "/" in word else word for word in words)
